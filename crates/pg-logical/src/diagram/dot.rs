//! A diagram in the language of Graphviz (<https://graphviz.org/doc/info/lang.html>).

use std::fmt::Write;

use super::model::{Diagram, DiagramTable, Reference};

/// The diagram as DOT.
pub fn dot(diagram: &Diagram) -> String {
    let mut text = "digraph schema {\n    rankdir=RL;\n    node [shape=plain, \
                    fontname=\"monospace\", fontsize=10];\n"
        .to_owned();
    // Writing to a string cannot fail.
    for (at, table) in diagram.tables.iter().enumerate() {
        let _ = writeln!(text, "    t{at} [label=<{}>];", label(table));
    }
    for Reference { from, to, columns, .. } in &diagram.references {
        let port = columns.first().map(|column| format!(":c{column}")).unwrap_or_default();
        let _ = writeln!(text, "    t{from}{port} -> t{to};");
    }
    text + "}\n"
}

/// A table of Graphviz: the name above the columns, each of which has a port.
fn label(table: &DiagramTable) -> String {
    let mut label = format!(
        "<table border=\"0\" cellborder=\"1\" cellspacing=\"0\"><tr><td><b>{}</b></td></tr>",
        escaped(&table.label())
    );
    for (at, column) in table.columns.iter().enumerate() {
        let name = escaped(&column.name);
        let name = if column.is_key { format!("<u>{name}</u>") } else { name };
        let data_type = escaped(&column.data_type);
        let _ = write!(
            label,
            "<tr><td port=\"c{at}\" align=\"left\">{name} <i>{data_type}</i></td></tr>"
        );
    }
    label + "</table>"
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace(char::is_control, "\u{fffd}")
}
