//! Where everything in an SVG diagram stands. The widths of texts are computed for a monospaced
//! font, and the SVG makes the browser keep to them.

use unicode_width::UnicodeWidthStr;

use super::layers::{Block, Edge, Layers};
use super::model::{Diagram, DiagramTable};
use super::pack::pack;
use super::place::tops;
use super::route::route;
use super::shapes::{Line, Rect};

/// Pixels.
const HEADER: i32 = 28;
const ROW: i32 = 20;
const PADDING: i32 = 10;
/// Between the name and the type of a column.
const BETWEEN: i32 = 24;
/// Around the whole diagram.
const MARGIN: i32 = 24;
/// A table with more columns shows this many, and how many there are.
const MOST_ROWS: usize = 40;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    Title,
    Key,
    Column,
    Type,
}

/// A text in the box of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The table, by its place in the diagram.
    pub table: usize,
    /// The room that it has.
    pub rect: Rect,
    /// What it says.
    pub text: String,
    /// What it is.
    pub role: Role,
}

/// Where the tables, texts and lines of a diagram are.
#[derive(Clone, Debug, Default)]
pub struct Drawing {
    /// The boxes of the tables, in the order of the diagram.
    pub boxes: Vec<Rect>,
    /// What is in them.
    pub texts: Vec<Text>,
    /// The foreign keys.
    pub lines: Vec<Line>,
    /// Where a foreign key begins, on the side of the referring table.
    pub starts: Vec<(i32, i32)>,
    /// Where foreign keys end, on the side of the table that they refer to.
    pub ends: Vec<(i32, i32)>,
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
}

/// How wide a text is: 7.2 pixels a cell, as in a monospaced font of 12 pixels.
fn text_width(text: &str) -> i32 {
    let cells = i32::try_from(text.width()).unwrap_or(i32::MAX / 100);
    (cells * 72 + 9) / 10
}

/// A row in the box of a table.
struct BoxRow {
    name: String,
    data_type: String,
    role: Role,
}

/// The rows that a table shows.
fn rows(table: &DiagramTable) -> Vec<BoxRow> {
    let count = table.columns.len();
    let shown = if count > MOST_ROWS { MOST_ROWS - 1 } else { count };
    let mut rows: Vec<BoxRow> = table.columns[..shown]
        .iter()
        .map(|column| BoxRow {
            name: column.name.clone(),
            data_type: format!("{}{}", column.data_type, if column.is_nullable { "?" } else { "" }),
            role: if column.is_key { Role::Key } else { Role::Column },
        })
        .collect();
    if shown < count {
        let name = format!("and {} more columns", count - shown);
        rows.push(BoxRow { name, data_type: String::new(), role: Role::Type });
    }
    rows
}

fn height(rows: &[BoxRow]) -> i32 {
    HEADER + ROW * number(rows.len())
}

fn width(title: &str, rows: &[BoxRow]) -> i32 {
    let of_row = |row: &BoxRow| match row.data_type.as_str() {
        "" => text_width(&row.name),
        data_type => text_width(&row.name) + BETWEEN + text_width(data_type),
    };
    let widest = rows.iter().map(of_row).chain([text_width(title)]).max().unwrap_or_default();
    widest + 2 * PADDING
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX / 100)
}

/// How far below the top of its box the first of these columns is; a column that is not shown is in
/// the last row.
fn port(table: &DiagramTable, columns: &[usize]) -> i32 {
    let last = table.columns.len().min(MOST_ROWS).saturating_sub(1);
    let row = columns.first().map_or(0, |&column| column.min(last));
    HEADER + ROW * number(row) + ROW / 2
}

/// Arranges a diagram.
pub fn lay_out(diagram: &Diagram) -> Drawing {
    let rows: Vec<Vec<BoxRow>> = diagram.tables.iter().map(rows).collect();
    let sizes: Vec<(i32, i32)> = diagram
        .tables
        .iter()
        .zip(&rows)
        .map(|(table, rows)| (width(&table.label(), rows), height(rows)))
        .collect();
    let groups: Vec<Group> =
        groups(diagram).into_iter().map(|tables| Group::of(diagram, &sizes, tables)).collect();
    let group_sizes: Vec<(i32, i32)> = groups.iter().map(|group| group.size).collect();
    let (corners, (width, height)) = pack(&group_sizes);
    let mut layout = Drawing {
        boxes: vec![Rect { left: 0, top: 0, width: 0, height: 0 }; diagram.tables.len()],
        width: width + 2 * MARGIN,
        height: height + 2 * MARGIN,
        ..Drawing::default()
    };
    for (group, (left, top)) in groups.iter().zip(corners) {
        layout.add(group, (left + MARGIN, top + MARGIN));
    }
    for (table, rows) in rows.iter().enumerate() {
        layout.write(table, &diagram.tables[table].label(), rows);
    }
    layout.mark(diagram);
    layout
}

/// Tables that foreign keys connect, arranged by themselves.
struct Group {
    tables: Vec<usize>,
    boxes: Vec<Rect>,
    lines: Vec<Line>,
    size: (i32, i32),
}

/// The tables that foreign keys connect, each group in order.
fn groups(diagram: &Diagram) -> Vec<Vec<usize>> {
    let mut group: Vec<usize> = (0..diagram.tables.len()).collect();
    for reference in &diagram.references {
        let (one, other) = (group[reference.from], group[reference.to]);
        let first = one.min(other);
        group.iter_mut().filter(|own| [one, other].contains(own)).for_each(|own| *own = first);
    }
    let mut firsts = group.clone();
    firsts.sort_unstable();
    firsts.dedup();
    let members = |first: usize| (0..group.len()).filter(|&table| group[table] == first).collect();
    firsts.into_iter().map(members).collect()
}

impl Group {
    fn of(diagram: &Diagram, sizes: &[(i32, i32)], tables: Vec<usize>) -> Group {
        let place = |table: usize| tables.binary_search(&table).ok();
        let edges: Vec<Edge> = diagram
            .references
            .iter()
            .filter(|one| one.from != one.to)
            .filter_map(|one| {
                Some(Edge {
                    from: place(one.from)?,
                    from_port: port(&diagram.tables[one.from], &one.columns),
                    to: place(one.to)?,
                    to_port: HEADER / 2,
                })
            })
            .collect();
        let blocks: Vec<Block> =
            tables.iter().map(|&table| Block { height: sizes[table].1 }).collect();
        let widths: Vec<i32> = tables.iter().map(|&table| sizes[table].0).collect();
        let layers = Layers::of(&blocks, &edges, layer_height(&tables, sizes));
        let tops = tops(&layers);
        let routes = route(&layers, &tops, &widths);
        let mut boxes = vec![Rect { left: 0, top: 0, width: 0, height: 0 }; tables.len()];
        for (layer, nodes) in layers.layers.iter().enumerate() {
            for &node in nodes {
                let Some(block) = layers.nodes[node].block else { continue };
                let (width, height) = (widths[block], blocks[block].height);
                boxes[block] = Rect { left: routes.lefts[layer], top: tops[node], width, height };
            }
        }
        let bottom = boxes.iter().map(|one| one.top + one.height);
        let lowest = routes.lines.iter().map(|line| line.to.1);
        let height = bottom.chain(lowest).max().unwrap_or_default();
        Group { tables, boxes, lines: routes.lines, size: (routes.width + LOOP + 2, height) }
    }
}

/// How far the line of a table that refers to itself stands out.
const LOOP: i32 = 8;

/// How high the layers of a group should be, so that it is about as high as it is wide.
fn layer_height(tables: &[usize], sizes: &[(i32, i32)]) -> i32 {
    let area = |&table: &usize| i64::from(sizes[table].0 + 80) * i64::from(sizes[table].1 + 22);
    let side = tables.iter().map(area).sum::<i64>().isqrt();
    i32::try_from(side).unwrap_or(i32::MAX)
}

impl Drawing {
    /// Adds a group, moved to a corner.
    fn add(&mut self, group: &Group, (x, y): (i32, i32)) {
        for (&table, own) in group.tables.iter().zip(&group.boxes) {
            self.boxes[table] = Rect { left: own.left + x, top: own.top + y, ..*own };
        }
        let moved = |(left, top): (i32, i32)| (left + x, top + y);
        let lines = group.lines.iter();
        self.lines.extend(lines.map(|line| Line { from: moved(line.from), to: moved(line.to) }));
    }

    /// Writes the texts of a table into its box.
    fn write(&mut self, table: usize, title: &str, rows: &[BoxRow]) {
        let own = self.boxes[table];
        let mut add = |text: &str, from_right: bool, top: i32, height: i32, role: Role| {
            let width = text_width(text);
            let left = match from_right {
                true => own.left + own.width - PADDING - width,
                false => own.left + PADDING,
            };
            let rect = Rect { left, top, width, height };
            self.texts.push(Text { table, rect, text: text.to_owned(), role });
        };
        add(title, false, own.top, HEADER, Role::Title);
        for (at, row) in rows.iter().enumerate() {
            let top = own.top + HEADER + ROW * number(at);
            add(&row.name, false, top, ROW, row.role);
            if !row.data_type.is_empty() {
                add(&row.data_type, true, top, ROW, Role::Type);
            }
        }
    }

    /// Marks where foreign keys begin and end, and draws those of a table to itself.
    fn mark(&mut self, diagram: &Diagram) {
        for reference in &diagram.references {
            let (from, to) = (self.boxes[reference.from], self.boxes[reference.to]);
            let from_y = from.top + port(&diagram.tables[reference.from], &reference.columns);
            let right = from.left + from.width;
            if reference.from == reference.to {
                let (x, y) = (right + LOOP, from.top + HEADER - 6);
                self.lines.extend([
                    Line::level(right, x, from_y),
                    Line { from: (x, y), to: (x, from_y) },
                    Line::level(right, x, y),
                ]);
                self.starts.push((right, from_y));
                self.ends.push((right, y));
                continue;
            }
            let to_y = to.top + HEADER / 2;
            let is_left = from.left < to.left;
            self.starts.push((if is_left { right } else { from.left }, from_y));
            self.ends.push((if is_left { to.left } else { to.left + to.width }, to_y));
        }
        self.starts.sort_unstable();
        self.starts.dedup();
        self.ends.sort_unstable();
        self.ends.dedup();
    }
}
