//! A diagram of tables and the foreign keys between them, as SVG, Mermaid or DOT.

mod dot;
mod layers;
mod layout;
mod mermaid;
mod model;
mod pack;
mod place;
mod route;
mod shapes;
mod svg;
#[cfg(test)]
mod tests;

pub use dot::dot;
pub use layout::{Drawing, Role, Text, lay_out};
pub use mermaid::{MERMAID_LIMIT, Mermaid, mermaid};
pub use model::{Diagram, DiagramColumn, DiagramTable, Reference};
pub use shapes::{Line, Rect};
pub use svg::svg;
