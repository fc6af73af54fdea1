//! Generates the typed sections, and everything that iterates over the keys, from one declaration of all
//! keys.

/// Declares sections and keys: `section: Struct { key: Type = spec; … }`, each with a doc comment.
macro_rules! settings {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident: $Section:ident {
            $( $(#[doc = $doc:literal])+ $key:ident: $Type:ty = $spec:expr; )+
        }
    )+) => {
        $(
            $(#[doc = $section_doc])+
            #[derive(Debug, Clone, PartialEq)]
            pub struct $Section {
                $( $(#[doc = $doc])+ pub $key: $Type, )+
            }
        )+

        /// The whole configuration, valid in itself.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Config {
            $( $(#[doc = $section_doc])+ pub $section: $Section, )+
            pub(super) origins: Origins,
            pub(super) zone_doubt: Option<String>,
        }

        /// Every key, in the order of its declaration.
        pub(super) static KEYS: &[Key] = &[
            $( $( Key {
                section: stringify!($section),
                name: stringify!($key),
                doc: concat!($($doc),+),
                spec: $spec,
                takes_empty: |around| <$Type as Setting>::parse("", around).is_ok(),
            }, )+ )+
        ];

        impl Config {
            /// Reads every key before it returns, so that all errors are found.
            pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
                $(
                    $( let $key = reader.read::<$Type>(stringify!($section), stringify!($key)); )+
                    let $section = (|| Some($Section { $( $key: $key?, )+ }))();
                )+
                Some(Self { $( $section: $section?, )+ origins: reader.origins(), zone_doubt: reader.zone_doubt() })
            }

            /// The values as TOML, in the order of [`KEYS`]; `None` where an optional key has no value.
            pub(super) fn shown(&self) -> Vec<Option<toml::Value>> {
                vec![ $( $( Setting::show(&self.$section.$key), )+ )+ ]
            }

            /// Whether each value equals that of another configuration, in the order of [`KEYS`]. Includes
            /// values that are not shown, such as the contents of a secret's file.
            pub(super) fn same(&self, other: &Self) -> Vec<bool> {
                vec![ $( $( PartialEq::eq(&self.$section.$key, &other.$section.$key), )+ )+ ]
            }

            /// Copies the value of one key from another configuration.
            pub(super) fn copy_value(&mut self, from: &Self, section: &str, name: &str) {
                match (section, name) {
                    $( $(
                        (stringify!($section), stringify!($key)) => {
                            self.$section.$key.clone_from(&from.$section.$key);
                        }
                    )+ )+
                    _ => {}
                }
            }
        }
    };
}

pub(super) use settings;
