//! The shapes of an image, in pixels from its upper left corner.

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Rect {
    pub left: i32,
    pub top: i32,
    pub width: i32,
    pub height: i32,
}

/// A horizontal or vertical line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Line {
    pub from: (i32, i32),
    pub to: (i32, i32),
}

impl Line {
    pub(super) fn level(from: i32, to: i32, y: i32) -> Line {
        Line { from: (from, y), to: (to, y) }
    }
}
