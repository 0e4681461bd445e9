//! Nothing but a place for tests (`tests/`): published vectors and the stock MLS provider, against what Sotto uses.
