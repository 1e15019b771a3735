//! A diagram as SVG, for light and dark pages, without fonts or scripts of its own.

use std::fmt::Write;

use super::layout::{Drawing, Role, Text};
use super::shapes::Rect;

/// The colours and fonts. A page that includes the image cannot change them.
const STYLE: &str = "\
svg{--page:#ffffff;--box:#f6f8fa;--head:#ddf4ff;--edge:#afb8c1;--text:#1f2328;--faint:#59636e;\
--line:#6e7781}
@media(prefers-color-scheme:dark){svg{--page:#0d1117;--box:#161b22;--head:#1c3a57;--edge:#3d444d;\
--text:#e6edf3;--faint:#9198a1;--line:#8b949e}}
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;\
fill:var(--text)}
.page{fill:var(--page)}
.box{fill:var(--box);stroke:var(--edge)}
.head{fill:var(--head);stroke:var(--edge)}
.title,.key{font-weight:bold}
.type{fill:var(--faint)}
path{fill:none;stroke:var(--line)}
circle{fill:var(--page);stroke:var(--line)}
.end{fill:var(--line);stroke:none}
";

/// Half of the height of the arrows at the end of foreign keys, and half of that of the circles at
/// the beginning.
const ARROW: i32 = 4;
const DOT: i32 = 3;

/// The image of a layout. `title` is for screen readers and for the title of a window.
pub fn svg(layout: &Drawing, title: &str) -> String {
    let (width, height) = (layout.width, layout.height);
    let mut svg = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(svg, "{text}");
    };
    line(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">"
    ));
    line(format_args!("<title>{}</title>\n<style>{STYLE}</style>", escaped(title)));
    line(format_args!("<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>"));
    for one in &layout.lines {
        let ((x, y), (to_x, to_y)) = (one.from, one.to);
        line(format_args!("<path d=\"M{x} {y}L{to_x} {to_y}\"/>"));
    }
    for (table, own) in layout.boxes.iter().enumerate() {
        let head = layout.texts.iter().find(|text| text.table == table).map(|text| text.rect);
        let head = Rect { height: head.map_or(0, |head| head.height), ..*own };
        line(format_args!("<g>{}{}", rect("box", own), rect("head", &head)));
        for text in layout.texts.iter().filter(|text| text.table == table) {
            line(format_args!("{}", written(text)));
        }
        line(format_args!("</g>"));
    }
    for &(x, y) in &layout.starts {
        line(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{DOT}\"/>"));
    }
    for &(x, y) in &layout.ends {
        line(format_args!("{}", arrow(layout, x, y)));
    }
    line(format_args!("</svg>"));
    svg
}

fn rect(class: &str, rect: &Rect) -> String {
    let Rect { left, top, width, height } = rect;
    format!(
        "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>"
    )
}

/// A text that is exactly as wide as the layout says, in whichever font it is shown.
fn written(text: &Text) -> String {
    let class = match text.role {
        Role::Title => "title",
        Role::Key => "key",
        Role::Column => "column",
        Role::Type => "type",
    };
    let Rect { left, top, width, height } = text.rect;
    let baseline = top + height / 2 + 4;
    format!(
        "<text class=\"{class}\" x=\"{left}\" y=\"{baseline}\" textLength=\"{width}\" \
         lengthAdjust=\"spacingAndGlyphs\">{}</text>",
        escaped(&text.text)
    )
}

/// An arrow that points to a box, whose side is at x.
fn arrow(layout: &Drawing, x: i32, y: i32) -> String {
    let is_left_side = layout
        .boxes
        .iter()
        .any(|own| own.left == x && (own.top..own.top + own.height).contains(&y));
    let back = if is_left_side { x - 2 * ARROW } else { x + 2 * ARROW };
    let (above, below) = (y - ARROW, y + ARROW);
    format!("<path class=\"end\" d=\"M{x} {y}L{back} {above}L{back} {below}Z\"/>")
}

/// A text for XML. What XML 1.0 does not allow becomes the replacement character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}
