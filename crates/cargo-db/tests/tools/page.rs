//! The page of `rehearse --format html` in a browser.

use std::process::Command;

use crate::support::Project;

/// Reports, as the title of the outer page, the width of the frame and the texts that overlap
/// another one or leave their box or the window.
const MEASURE: &str = r"
<script>
const block = (one) => getComputedStyle(one).display === 'inline' ? block(one.parentElement) : one;
const texts = [], wrong = [];
const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const node = walk.currentNode, range = document.createRange();
  range.selectNodeContents(node);
  const box = block(node.parentElement).getBoundingClientRect();
  for (const at of range.getClientRects()) {
    if (node.data.trim() === '' || at.width === 0) continue;
    texts.push({ text: node.data, at });
    const inside = at.left >= box.left - 1 && at.right <= box.right + 1
      && at.top >= box.top - 3 && at.bottom <= box.bottom + 3 && at.right <= innerWidth;
    if (!inside) wrong.push(`outside: ${node.data}`);
  }
}
texts.forEach((one, index) => texts.slice(index + 1).forEach((other) => {
  const a = one.at, b = other.at;
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width > 1 && height > 3) wrong.push(`overlap: ${one.text} | ${other.text}`);
}));
const found = wrong.join('; ') || 'none';
parent.document.title = `${innerWidth} px, ${texts.length} texts, wrong: ${found}`;
</script>
</body>";

/// A pending migration with long names, long statements and many locks.
fn pending() -> Project {
    let project = Project::new("page_in_a_browser");
    let name = "a_table_with_a_name_of_sixty_three_characters_which_is_the_most";
    let mut sql = String::new();
    for number in 0..20 {
        project.run_sql(&format!("CREATE TABLE t{number} (id int PRIMARY KEY, note text)"));
        project.run_sql(&format!(
            "INSERT INTO t{number} SELECT n, 'n' FROM generate_series(1, 900) n"
        ));
        sql += &format!("ALTER TABLE t{number} ADD CHECK (note <> '{}');\n", "x".repeat(200));
    }
    project.run_sql(&format!("CREATE TABLE {name} (\"<b>\" int)"));
    project.run_sql(&format!("INSERT INTO {name} SELECT generate_series(1, 900)"));
    project.migration("1_checks.up.sql", &sql);
    project.migration("1_checks.down.sql", "SELECT 1;\n");
    let wide = "W".repeat(300);
    project.migration("2_drop.sql", &format!("DROP TABLE {name};\nSELECT 1 AS {wide};\n"));
    project
}

/// What the page reports about itself in a frame of this width: the window of a browser may be no
/// narrower than 500 pixels.
fn measured(project: &Project, page: &str, width: u32) -> String {
    let source = page.replace('&', "&amp;").replace('"', "&quot;");
    let frame = format!(
        "<title></title><iframe width=\"{width}\" height=\"2000\" style=\"border:0\" \
         srcdoc=\"{source}\"></iframe>"
    );
    let chromium = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .arg(format!("file://{}", project.write("frame.html", &frame).display()))
        .output()
        .expect("scripts/tools installs Chromium");
    let page = String::from_utf8_lossy(&chromium.stdout).into_owned();
    let (_, after) = page.split_once("<title>").unwrap_or_else(|| panic!("{page}"));
    after.split_once("</title>").unwrap().0.to_owned()
}

#[test]
fn no_text_overlaps_or_leaves_its_box() {
    let project = pending();
    let page = project.db(&["rehearse", "--format", "html"]).code(1).stdout;
    let page = page.replace("</body>", MEASURE);
    for width in [400, 1400] {
        let said = measured(&project, &page, width);
        assert!(said.starts_with(&format!("{width} px, ")), "{said}");
        assert!(said.ends_with("wrong: none") && !said.contains(" 0 texts"), "{said}");
    }
    // The measurement itself finds a text that leaves its box, and one on another.
    let style = "<style>.row { white-space: nowrap } .soft { position: fixed }</style></head>";
    let said = measured(&project, &page.replace("</head>", style), 400);
    assert!(said.contains("outside: ") && said.contains("overlap: "), "{said}");
}
