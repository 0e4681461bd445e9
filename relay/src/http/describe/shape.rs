//! Shapes of CBOR as schemas of JSON, which is what OpenAPI has.
//!
//! JSON has neither byte strings nor maps with numbers as keys. Here a byte string is a text in base16, with the format `bytes` or
//! `bytes-N` where it has exactly N bytes, and a key is the number as a text. Maps may hold more keys than are described.

use minicbor::bytes::ByteArray;
use utoipa::openapi::schema::{
    ArrayBuilder, ArrayItems, ObjectBuilder, OneOfBuilder, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{RefOr, Schema};

/// What can be described.
pub(crate) trait Shape {
    /// Whether it may be left out where it is the value of a map.
    const IS_OPTIONAL: bool = false;

    /// What it looks like.
    fn shape() -> Schema;
}

/// What lists are made of. Bytes are not: a list of them is a byte string.
pub(super) trait Item: Shape {}

/// A field of a map or an array: its number, its name, whether it may be left out, and its shape.
pub(super) type Field = (u32, &'static str, bool, Schema);

/// The field that `_reader` reads.
pub(super) fn field<S, T: Shape>(number: u32, name: &'static str, _reader: fn(&S) -> &T) -> Field {
    (number, name, T::IS_OPTIONAL, T::shape())
}

/// A map with numbers as keys.
pub(super) fn map(fields: Vec<Field>) -> Schema {
    let keys = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^(0|[1-9][0-9]{0,4})$"));
    let mut map = ObjectBuilder::new().schema_type(Type::Object).property_names(Some(Schema::from(keys)));
    for (number, name, is_optional, shape) in fields {
        map = map.property(number.to_string(), titled(shape, name));
        if !is_optional {
            map = map.required(number.to_string());
        }
    }
    map.into()
}

/// An array whose places have meanings.
pub(super) fn tuple(fields: Vec<Field>) -> Schema {
    let count = fields.len();
    let places: Vec<_> = fields.into_iter().map(|(_, name, _, shape)| titled(shape, name)).collect();
    let tuple = ArrayBuilder::new().min_items(Some(count)).max_items(Some(count));
    match places.is_empty() {
        true => tuple.items(ArrayItems::False).into(),
        false => tuple.prefix_items(places).items(ArrayItems::False).into(),
    }
}

/// One of several: the number of the variant, and an array of what it holds.
pub(super) fn variants(variants: Vec<(u32, &'static str, Vec<Field>)>) -> Schema {
    let mut one_of = OneOfBuilder::new();
    for (number, name, fields) in variants {
        let which = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([number]));
        let fields = vec![(0, name, false, which.into()), (1, "", false, tuple(fields))];
        one_of = one_of.item(tuple(fields));
    }
    one_of.into()
}

/// A byte string of exactly so many bytes.
pub(super) fn bytes_of(length: usize) -> Schema {
    bytes(format!("bytes-{length}"))
}

fn bytes(format: String) -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String).content_encoding("base16");
    text.format(Some(SchemaFormat::Custom(format))).into()
}

fn integer(max: u64) -> Schema {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0_usize)).maximum(Some(max)).into()
}

fn titled(shape: Schema, name: &str) -> Schema {
    let name = (!name.is_empty()).then_some(name);
    match shape {
        Schema::Object(object) => ObjectBuilder::from(object).title(name).into(),
        Schema::Array(array) => ArrayBuilder::from(array).title(name).into(),
        Schema::OneOf(one_of) => OneOfBuilder::from(one_of).title(name).into(),
        other => other,
    }
}

impl<const N: usize> Shape for [u8; N] {
    fn shape() -> Schema {
        bytes_of(N)
    }
}

impl<const N: usize> Shape for ByteArray<N> {
    fn shape() -> Schema {
        bytes_of(N)
    }
}

impl<const N: usize> Item for ByteArray<N> {}

impl Shape for Vec<u8> {
    fn shape() -> Schema {
        bytes("bytes".to_owned())
    }
}

impl<T: Item> Shape for Vec<T> {
    fn shape() -> Schema {
        ArrayBuilder::new().items(RefOr::T(T::shape())).into()
    }
}

impl<T: Shape> Shape for Option<T> {
    const IS_OPTIONAL: bool = true;

    fn shape() -> Schema {
        let nothing = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null));
        OneOfBuilder::new().item(T::shape()).item(nothing).into()
    }
}

impl Shape for String {
    fn shape() -> Schema {
        ObjectBuilder::new().schema_type(Type::String).into()
    }
}

impl Shape for bool {
    fn shape() -> Schema {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

impl Shape for u8 {
    fn shape() -> Schema {
        integer(Self::MAX.into())
    }
}

impl Shape for u32 {
    fn shape() -> Schema {
        integer(Self::MAX.into())
    }
}

impl Shape for u64 {
    fn shape() -> Schema {
        integer(Self::MAX)
    }
}
