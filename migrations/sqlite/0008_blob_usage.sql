-- From here on, `blob_usage.used_bytes` is what is there of all blobs together. Before, it was what was announced: so whoever announced
-- much, and sent nothing, kept others from uploading.

UPDATE blob_usage SET used_bytes = (SELECT coalesce(sum(offset_bytes), 0) FROM blobs);
