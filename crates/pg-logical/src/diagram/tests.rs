//! Nothing in a diagram overlaps or leaves its place, whatever the schema is.

use super::layout::Drawing;
use super::shapes::{Line, Rect};
use super::{
    Diagram, DiagramColumn, DiagramTable, MERMAID_LIMIT, Mermaid, Reference, dot, lay_out, mermaid,
    svg,
};

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

fn column(name: &str, data_type: &str) -> DiagramColumn {
    DiagramColumn {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
        is_key: false,
        refers: false,
        is_nullable: true,
    }
}

fn table(name: &str, columns: Vec<DiagramColumn>) -> DiagramTable {
    DiagramTable { schema: "public".to_owned(), name: name.to_owned(), columns }
}

/// A schema with this many tables: some without foreign keys, one that many refer to, circles,
/// tables that refer to themselves, and names that are long or in other scripts.
fn schema(count: usize, seed: u64) -> Diagram {
    let mut numbers = Numbers(seed);
    let mut diagram = Diagram::default();
    for at in 0..count {
        let name = match numbers.below(12) {
            0 => format!("a_very_long_name_of_a_table_that_nobody_would_want_to_type_{at}"),
            1 => format!("表格<{at}>&\"'"),
            _ => format!("table_{at}"),
        };
        let types = ["bigint", "text", "character varying(20)", "timestamp with time zone"];
        let mut columns: Vec<DiagramColumn> = (0..=numbers.below(9))
            .map(|nr| column(&format!("column_{nr}"), types[numbers.below(types.len())]))
            .collect();
        if numbers.below(40) == 0 {
            columns.extend((0..60).map(|nr| column(&format!("wide_{nr}"), "integer")));
        }
        columns[0].is_key = true;
        diagram.tables.push(table(&name, columns));
    }
    for from in 0..count {
        for _ in 0..numbers.below(4) {
            let to = match numbers.below(5) {
                0 => from,
                1 | 2 => numbers.below(count.div_ceil(12)),
                _ => numbers.below(count),
            };
            let place = numbers.below(diagram.tables[from].columns.len());
            diagram.tables[from].columns[place].refers = true;
            diagram.references.push(Reference { from, to, columns: vec![place], is_unique: false });
        }
    }
    diagram
}

fn overlap(one: &Rect, other: &Rect) -> bool {
    one.left < other.left + other.width
        && other.left < one.left + one.width
        && one.top < other.top + other.height
        && other.top < one.top + one.height
}

fn contains(outer: &Rect, inner: &Rect) -> bool {
    outer.left <= inner.left
        && outer.top <= inner.top
        && inner.left + inner.width <= outer.left + outer.width
        && inner.top + inner.height <= outer.top + outer.height
}

/// Whether a line runs through a box; it may touch its sides.
fn crosses(line: &Line, own: &Rect) -> bool {
    let (left, right) = (line.from.0.min(line.to.0), line.from.0.max(line.to.0));
    let (top, bottom) = (line.from.1.min(line.to.1), line.from.1.max(line.to.1));
    left < own.left + own.width
        && right > own.left
        && top < own.top + own.height
        && bottom > own.top
}

fn check(layout: &Drawing) {
    let page = Rect { left: 0, top: 0, width: layout.width, height: layout.height };
    for (at, own) in layout.boxes.iter().enumerate() {
        assert!(contains(&page, own), "the box {at} leaves the page");
        let other = layout.boxes[at + 1..].iter().find(|other| overlap(own, other));
        assert_eq!(other, None, "two boxes overlap: {own:?}");
        let line = layout.lines.iter().find(|line| crosses(line, own));
        assert_eq!(line, None, "a line runs through the box {own:?}");
    }
    for (at, text) in layout.texts.iter().enumerate() {
        assert!(contains(&layout.boxes[text.table], &text.rect), "{text:?} leaves its box");
        let after = layout.texts[at + 1..].iter();
        let mut same = after.take_while(|other| other.table == text.table);
        assert!(!same.any(|other| overlap(&text.rect, &other.rect)), "{text:?} is overlapped");
    }
    for line in &layout.lines {
        let is_straight = line.from.0 == line.to.0 || line.from.1 == line.to.1;
        assert!(is_straight, "{line:?} is neither horizontal nor vertical");
        let ends = [line.from, line.to];
        let inside =
            |(x, y): (i32, i32)| (0..=page.width).contains(&x) && (0..=page.height).contains(&y);
        assert!(ends.into_iter().all(inside), "{line:?} leaves the page");
    }
}

/// Whether lines lead from one point to another.
fn connected(layout: &Drawing, from: (i32, i32), to: (i32, i32)) -> bool {
    let on = |line: &Line, (x, y): (i32, i32)| {
        (line.from.0.min(line.to.0)..=line.from.0.max(line.to.0)).contains(&x)
            && (line.from.1.min(line.to.1)..=line.from.1.max(line.to.1)).contains(&y)
    };
    let mut reached = vec![from];
    let mut left: Vec<&Line> = layout.lines.iter().collect();
    while let Some(point) = reached.pop() {
        if point == to {
            return true;
        }
        let (touching, rest) = left.into_iter().partition(|line| on(line, point));
        left = rest;
        for line in touching {
            let line: &Line = line;
            let crossing = layout.lines.iter().flat_map(|other| [other.from, other.to]);
            reached.extend(
                [line.from, line.to].into_iter().chain(crossing.filter(|&end| on(line, end))),
            );
        }
        if reached.contains(&to) {
            return true;
        }
    }
    false
}

#[test]
fn nothing_overlaps_in_11_60_and_200_tables() {
    for (count, seed) in [(11, 1), (11, 2), (60, 3), (60, 4), (200, 5), (200, 6)] {
        let diagram = schema(count, seed);
        check(&lay_out(&diagram));
    }
}

#[test]
fn every_foreign_key_has_a_line() {
    let diagram = schema(60, 7);
    let layout = lay_out(&diagram);
    assert!(!layout.starts.is_empty());
    for &start in &layout.starts {
        let reached = layout.ends.iter().any(|&end| connected(&layout, start, end));
        assert!(reached, "no line leads from {start:?} to a table");
    }
    for &end in &layout.ends {
        let reached = layout.starts.iter().any(|&start| connected(&layout, end, start));
        assert!(reached, "no line leads to {end:?}");
    }
}

#[test]
fn a_referring_table_is_right_of_the_table_that_it_refers_to() {
    let mut diagram = Diagram::default();
    for name in ["posts", "users", "votes", "alone"] {
        diagram.tables.push(table(name, vec![column("id", "bigint"), column("other", "bigint")]));
    }
    for (from, to) in [(0, 1), (2, 0), (2, 1)] {
        diagram.references.push(Reference { from, to, columns: vec![1], is_unique: false });
    }
    let layout = lay_out(&diagram);
    let lefts: Vec<i32> = layout.boxes.iter().map(|own| own.left).collect();
    assert!(lefts[1] < lefts[0] && lefts[0] < lefts[2], "{lefts:?}");
    check(&layout);
}

#[test]
fn the_neighbourhood_of_a_table() {
    let mut diagram = Diagram::default();
    for name in ["a", "b", "c", "d"] {
        diagram.tables.push(table(name, vec![column("id", "bigint")]));
    }
    for (from, to) in [(0, 1), (1, 2), (2, 3)] {
        diagram.references.push(Reference { from, to, columns: vec![0], is_unique: false });
    }
    let names = |depth| {
        let near = diagram.around(&[1], depth);
        let names = near.tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>();
        (names.join(" "), near.references.len())
    };
    assert_eq!(names(0), ("b".to_owned(), 0));
    assert_eq!(names(1), ("a b c".to_owned(), 2));
    assert_eq!(names(9), ("a b c d".to_owned(), 3));
}

#[test]
fn texts_are_escaped_in_svg() {
    let diagram = Diagram {
        tables: vec![table("a<b>&\u{7}", vec![column("\"x\"", "text")])],
        references: Vec::new(),
    };
    let image = svg(&lay_out(&diagram), "<script>");
    assert!(image.contains(">a&lt;b&gt;&amp;\u{fffd}<"), "{image}");
    assert!(!image.contains("<script>"), "{image}");
}

#[test]
fn what_mermaid_cannot_read_is_replaced() {
    let mut diagram = Diagram {
        tables: vec![
            table("order \"items\"", vec![column("1st", "numeric(10,2)")]),
            table("users", vec![column("größe", "character varying(20)[]")]),
        ],
        references: vec![Reference { from: 0, to: 1, columns: vec![0], is_unique: true }],
    };
    diagram.tables[0].columns[0].refers = true;
    diagram.tables[0].columns[0].is_nullable = false;
    let (text, level) = mermaid(&diagram).unwrap();
    assert_eq!(level, Mermaid::Columns);
    assert_eq!(
        text,
        "erDiagram\n    \"order 'items'\" {\n        numeric(10_2) c1st FK\n    }\n    \
         \"users\" {\n        character_varying(20)[] gr__e\n    }\n    \
         \"users\" ||--o| \"order 'items'\" : \"1st\"\n"
    );
}

#[test]
fn tables_with_the_same_label_are_two_tables() {
    let mut diagram = Diagram { tables: vec![table("a.b", Vec::new())], references: Vec::new() };
    diagram.tables.push(DiagramTable { schema: "a".to_owned(), ..table("b", Vec::new()) });
    let (text, _) = mermaid(&diagram).unwrap();
    assert_eq!(text, "erDiagram\n    \"a.b\"\n    \"a.b (2)\"\n");
}

#[test]
fn mermaid_shows_what_it_can_draw() {
    let columns = || (0..30).map(|at| column(&format!("a_long_name_of_a_column_{at}"), "bigint"));
    let of = |count: usize| Diagram {
        tables: (0..count).map(|at| table(&format!("t_{at}"), columns().collect())).collect(),
        references: Vec::new(),
    };
    let level = |count| {
        mermaid(&of(count)).map(|(text, level)| {
            assert!(text.len() < MERMAID_LIMIT);
            level
        })
    };
    assert_eq!(level(20), Some(Mermaid::Columns));
    assert_eq!(level(200), Some(Mermaid::Keys));
    assert_eq!(level(5_000), None);
}

#[test]
fn dot_names_the_column_of_a_foreign_key() {
    let mut diagram = Diagram::default();
    for name in ["a\"b", "c<d"] {
        diagram.tables.push(table(name, vec![column("id", "bigint"), column("x & y", "text")]));
    }
    diagram.references.push(Reference { from: 0, to: 1, columns: vec![1], is_unique: false });
    let text = dot(&diagram);
    assert!(text.contains("    t0:c1 -> t1;"), "{text}");
    assert!(text.contains("<b>c&lt;d</b>") && text.contains("x &amp; y"), "{text}");
}
