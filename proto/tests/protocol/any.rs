//! Any message, for property tests: a deserializer that makes up a value of whatever type it is asked for, from a list of
//! bytes. Messages that are added later need nothing here.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt;
use std::vec::IntoIter;

use cached_proto::message::Request;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any as anything};
use serde::de::value::{Error, U32Deserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, SeqAccess,
    VariantAccess, Visitor,
};
use serde::{Deserialize as _, forward_to_deserialize_any};

/// Most items of a list: a run of jobs of attempts stays small.
const ITEMS: u8 = 3;
/// Most characters of a text.
const CHARACTERS: u8 = 12;
/// What texts consist of: characters of one to four bytes, and some that other encodings escape.
const ALPHABET: [char; 8] = ['a', 'Z', '7', '"', '\0', 'é', '€', '𝄞'];

/// Any value of a type. It is simplified by taking bytes away: after the last one, every number is zero, every list is
/// empty, and every enum has its first variant.
pub(crate) fn any<T: DeserializeOwned + fmt::Debug>() -> impl Strategy<Value = T> {
    vec(anything::<u8>(), 0..1024).prop_map(|bytes| T::deserialize(&mut Inventor(bytes.into_iter())).unwrap())
}

/// Takes each decision from the next bytes.
struct Inventor(IntoIter<u8>);

impl Inventor {
    fn byte(&mut self) -> u8 {
        self.0.next().unwrap_or_default()
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    fn up_to(&mut self, most: u8) -> u8 {
        self.byte() % (most + 1)
    }

    fn text(&mut self) -> String {
        let length = self.up_to(CHARACTERS);
        (0..length).map(|_| ALPHABET[usize::from(self.byte()) % ALPHABET.len()]).collect()
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $number:ty),+ $(,)?) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                visitor.$visit(<$number>::from_le_bytes(self.bytes()))
            }
        )+
    };
}

impl<'de> Deserializer<'de> for &mut Inventor {
    type Error = Error;

    numbers! {
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_i64 visit_i64 i64,
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("messages have no values of this type"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.up_to(1) == 1)
    }

    /// Any number that equals itself.
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let number = f64::from_le_bytes(self.bytes());
        visitor.visit_f64(if number.is_nan() { f64::NEG_INFINITY } else { number })
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.text().into_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.up_to(1) == 1 { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = usize::from(self.up_to(ITEMS));
        visitor.visit_seq(Items { inventor: self, left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { inventor: self, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { inventor: self, left: fields.len() })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let index = u32::from(self.byte()) % u32::try_from(variants.len()).map_err(Error::custom)?;
        visitor.visit_enum(Variant { inventor: self, index: index.into_deserializer() })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 char bytes unit unit_struct tuple_struct map identifier ignored_any
    }
}

/// The items of a list, or the fields of a struct.
struct Items<'a> {
    inventor: &'a mut Inventor,
    left: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.inventor).map(Some)
    }
}

/// One variant of an enum.
struct Variant<'a> {
    inventor: &'a mut Inventor,
    index: U32Deserializer<Error>,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Error> {
        Ok((seed.deserialize(self.index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.inventor)
    }

    fn tuple_variant<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { inventor: self.inventor, left })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { inventor: self.inventor, left: fields.len() })
    }
}

#[test]
fn every_request_is_made_up_from_the_byte_that_names_it() {
    for (byte, name) in (0..).zip(Request::VARIANTS) {
        let request = Request::deserialize(&mut Inventor(vec![byte].into_iter())).unwrap();
        let made = format!("{request:?}");
        assert_eq!(made.split(['(', ' ']).next(), Some(*name), "{made}");
    }
}
