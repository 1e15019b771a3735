//! A recording of a terminal as an SVG: commands appear as if they were typed, and then what they
//! printed. A viewer that does not animate shows the last picture.

use std::fmt::Write;
use std::path::Path;

use super::settle::settled;
use super::{Project, cluster};

/// How many characters fit on a line.
const COLUMNS: usize = 100;

/// The size of a character, and the margin, in pixels. Each line is stretched to the width of its
/// characters, so that no font makes it longer.
const CHARACTER: f64 = 8.4;
const LINE: usize = 19;
const MARGIN: usize = 16;

/// In seconds: between two characters that are typed, two lines that are printed, and before and
/// after a command.
const TYPED: f64 = 0.045;
const PRINTED: f64 = 0.03;
const PAUSE: f64 = 0.8;

/// The colours of GitHub, light and dark.
const STYLE: &str = "
    svg { --back: #ffffff; --edge: #d1d9e0; --text: #1f2328; --faint: #59636e;
          --red: #cf222e; --green: #1a7f37; --yellow: #9a6700; --cyan: #1b7c83; }
    @media (prefers-color-scheme: dark) {
      svg { --back: #0d1117; --edge: #3d444d; --text: #f0f6fc; --faint: #9198a1;
            --red: #ff7b72; --green: #3fb950; --yellow: #d29922; --cyan: #39c5cf; }
    }
    rect { fill: var(--back); stroke: var(--edge) }
    text { fill: var(--text); white-space: pre;
           font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace }
    .bold { font-weight: bold } .dim { fill: var(--faint) } .red { fill: var(--red) }
    .green { fill: var(--green) } .yellow { fill: var(--yellow) } .cyan { fill: var(--cyan) }
    @keyframes print { from { opacity: 0 } }
    @keyframes type { from { clip-path: inset(0 100% 0 0) } }
    @media (prefers-reduced-motion: no-preference) {
      .printed { animation: print 1ms both } .typed { animation: type both }
    }
";

/// What was shown so far.
#[derive(Default)]
pub(crate) struct Recording {
    lines: Vec<String>,
    /// In seconds.
    elapsed: f64,
}

impl Recording {
    /// Runs a command line in a project, of `cargo db` or another program, and shows it.
    #[track_caller]
    pub(crate) fn run(&mut self, project: &Project, line: &str) {
        let words = shell_words::split(line).expect("words");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = project.command(&[]);
        if let ["cargo", "db", arguments @ ..] = &words[..] {
            command.args(arguments);
        } else {
            let program = std::process::Command::new(words[0]);
            let ours = std::mem::replace(&mut command, program);
            command.args(&words[1..]).current_dir(project.path());
            command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        }
        let columns = COLUMNS.to_string();
        let ran = command.env("COLUMNS", columns).env("CLICOLOR_FORCE", "1").output();
        let ran = ran.expect("the program starts");
        let printed = String::from_utf8([ran.stderr, ran.stdout].concat()).expect("UTF-8");
        let place = format!("{}:{}", cluster().folder.display(), cluster().port);
        self.add(line, &settled(&printed.replace(&place, "localhost")));
    }

    fn add(&mut self, line: &str, printed: &str) {
        if !self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self.elapsed += PAUSE;
        let characters = line.chars().count() + 2;
        let duration = TYPED * characters as f64;
        let style = format!(
            "animation-duration: {duration:.2}s; animation-delay: {:.2}s; \
             animation-timing-function: steps({characters})",
            self.elapsed
        );
        self.show("typed", &style, &format!("\x1b[1m$ {line}\x1b[0m"));
        self.elapsed += duration + PAUSE / 2.0;
        for line in printed.trim_end().lines() {
            let style = format!("animation-delay: {:.2}s", self.elapsed);
            self.show("printed", &style, line);
            self.elapsed += PRINTED;
        }
        self.elapsed += PAUSE;
    }

    fn show(&mut self, class: &str, style: &str, line: &str) {
        let (spans, characters) = spans(line);
        assert!(characters <= COLUMNS, "the line does not fit: {line}");
        if characters == 0 {
            self.lines.push(String::new());
            return;
        }
        let (y, width) = (MARGIN + LINE * self.lines.len() + 14, CHARACTER * characters as f64);
        self.lines.push(format!(
            "  <text x=\"{MARGIN}\" y=\"{y}\" textLength=\"{width:.1}\" xml:space=\"preserve\" \
             class=\"{class}\" style=\"{style}\">{spans}</text>\n"
        ));
    }

    /// The picture, with a title for those who cannot see it.
    pub(crate) fn svg(&self, title: &str) -> String {
        let width = CHARACTER * COLUMNS as f64 + 2.0 * MARGIN as f64;
        let height = LINE * self.lines.len() + 2 * MARGIN;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\">\n  <title>{title}</title>\n  \
             <style>{STYLE}  </style>\n  <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" \
             rx=\"6\"/>\n{}</svg>\n",
            width - 1.0,
            height - 1,
            self.lines.concat()
        )
    }

    /// Compares the picture with that in `docs/images`; `scripts/record` replaces it.
    #[track_caller]
    pub(crate) fn is_in(&self, file: &str, title: &str) {
        let path = super::repository().join("docs/images").join(Path::new(file));
        let picture = snapbox::Data::read_from(&path, Some(snapbox::data::DataFormat::Text));
        snapbox::Assert::new().action_env("SNAPSHOTS").eq(self.svg(title), picture.raw());
    }
}

/// A line with its colours as `tspan` elements, and how many characters it has.
fn spans(line: &str) -> (String, usize) {
    let (mut spans, mut characters) = (String::new(), 0);
    let mut classes: Vec<&str> = Vec::new();
    for (at, part) in line.split("\x1b[").enumerate() {
        let (codes, text) = match at {
            0 => ("", part),
            _ => part.split_once('m').expect("only colours are printed"),
        };
        for code in codes.split(';').filter(|code| !code.is_empty()) {
            match code {
                "0" => classes.clear(),
                "1" => classes.push("bold"),
                "2" => classes.push("dim"),
                "31" => classes.push("red"),
                "32" => classes.push("green"),
                "33" => classes.push("yellow"),
                "36" => classes.push("cyan"),
                other => panic!("the style {other} is not known"),
            }
        }
        characters += text.chars().count();
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        match (text.is_empty(), classes.is_empty()) {
            (true, _) => {}
            (_, true) => spans.push_str(&text),
            _ => write!(spans, "<tspan class=\"{}\">{text}</tspan>", classes.join(" ")).unwrap(),
        }
    }
    (spans, characters)
}
