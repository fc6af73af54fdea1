//! Values that are one of a few words.

use std::fmt;

use super::super::setting::Setting;
use super::super::surroundings::Surroundings;

macro_rules! words {
    ($(#[doc = $doc:literal])+ $Name:ident { $( $(#[doc = $variant_doc:literal])+ $Variant:ident = $word:literal, )+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $Name {
            $( $(#[doc = $variant_doc])+ $Variant, )+
        }

        impl $Name {
            /// The word in the file.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$Variant => $word, )+ }
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Setting for $Name {
            fn parse(text: &str, _: &Surroundings) -> Result<Self, String> {
                match text {
                    $( $word => Ok(Self::$Variant), )+
                    _ => Err(format!("must be one of {}", [$($word),+].join(", "))),
                }
            }

            fn show(&self) -> Option<toml::Value> {
                Some(toml::Value::String(self.as_str().to_owned()))
            }
        }
    };
}

words! {
    /// How faithful payloads are to VMS's own.
    Mode {
        /// VMS's payloads without the defects that break its own pages.
        Fixed = "fixed",
        /// VMS's payloads bug for bug.
        Exact = "exact",
    }
}

words! {
    /// The least severe record that is logged.
    LogLevel {
        /// Errors only.
        Error = "error",
        /// Also warnings.
        Warn = "warn",
        /// Also records for operators.
        Info = "info",
        /// Also records for developers.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}
