//! A diagram in the language of Graphviz (<https://graphviz.org/doc/info/lang.html>).

use std::fmt::Write;

use super::model::{Diagram, DiagramTable};

/// The diagram as DOT.
pub fn dot(diagram: &Diagram) -> String {
    let mut text = "digraph schema {\n    rankdir=RL;\n    node [shape=plain, \
                    fontname=\"monospace\", fontsize=10];\n"
        .to_owned();
    // Writing to a string cannot fail.
    for table in &diagram.tables {
        let _ = writeln!(text, "    {} [label=<{}>];", quoted(&table.label()), label(table));
    }
    for reference in &diagram.references {
        let (from, to) = (&diagram.tables[reference.from], &diagram.tables[reference.to]);
        let _ = writeln!(
            text,
            "    {}:c{} -> {};",
            quoted(&from.label()),
            reference.columns[0],
            quoted(&to.label())
        );
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

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace(char::is_control, "\u{fffd}")
}
