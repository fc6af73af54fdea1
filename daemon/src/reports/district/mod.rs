//! District reports.

mod mapping;

pub use mapping::{District, DistrictMapping, MappingError};
