//! The syntaxes that manifests are written in: text in, values with their lines out. What the values mean is not known
//! here.

pub mod code;
pub mod json;
pub mod lines;
pub mod node;
pub mod toml;
pub mod xml;
pub mod yaml;
