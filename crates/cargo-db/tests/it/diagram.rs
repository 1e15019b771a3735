//! `diagram`: the tables and foreign keys of a real database, as Mermaid, SVG and DOT.

use std::os::unix::fs::PermissionsExt;

use crate::support::Project;

const SHOP: &str = "\
    CREATE SCHEMA shop; \
    CREATE TABLE users (id int PRIMARY KEY, boss int REFERENCES users, \"e mail\" text NOT NULL); \
    CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users); \
    CREATE TABLE shop.orders (id int PRIMARY KEY, buyer int NOT NULL REFERENCES users); \
    CREATE TABLE shop.lines (order_id int REFERENCES shop.orders, nr int, \
        PRIMARY KEY (order_id, nr)); \
    CREATE TABLE notes (line_order int, line_nr int, \
        FOREIGN KEY (line_order, line_nr) REFERENCES shop.lines (order_id, nr)); \
    CREATE TABLE parts (id int, user_id int REFERENCES users) PARTITION BY RANGE (id); \
    CREATE TABLE a_part PARTITION OF parts FOR VALUES FROM (0) TO (9); \
    CREATE VIEW names AS SELECT id FROM users; \
    CREATE TABLE alone (id int);";

fn project(name: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_shop.up.sql", SHOP);
    project.db(&["migrate"]).ok();
    project
}

fn text(project: &Project, name: &str) -> String {
    std::fs::read_to_string(project.path().join(name)).expect("a file")
}

#[test]
fn a_mermaid_diagram_is_printed() {
    let ran = project("diagram_mermaid").db(&["diagram"]).ok();
    assert_eq!(
        ran.stdout,
        "erDiagram
    \"_sqlx_migrations\" {
        bigint version PK
        text description
        timestamp_with_time_zone installed_on
        boolean success
        bytea checksum
        bigint execution_time
    }
    \"alone\" {
        integer id
    }
    \"notes\" {
        integer line_order FK
        integer line_nr FK
    }
    \"parts\" {
        integer id
        integer user_id FK
    }
    \"profiles\" {
        integer user_id PK, FK
    }
    \"users\" {
        integer id PK
        integer boss FK
        text e_mail
    }
    \"shop.lines\" {
        integer order_id PK, FK
        integer nr PK
    }
    \"shop.orders\" {
        integer id PK
        integer buyer FK
    }
    \"shop.lines\" |o--o{ \"notes\" : \"line_order, line_nr\"
    \"users\" |o--o{ \"parts\" : \"user_id\"
    \"users\" ||--o| \"profiles\" : \"user_id\"
    \"users\" |o--o{ \"users\" : \"boss\"
    \"shop.orders\" ||--o{ \"shop.lines\" : \"order_id\"
    \"users\" ||--o{ \"shop.orders\" : \"buyer\"
"
    );
}

#[test]
fn a_file_gets_the_format_of_its_ending() {
    let project = project("diagram_files");
    let ran = project.db(&["diagram", "-o", "docs/schema.svg"]).ok();
    assert_eq!(ran.stdout, "docs/schema.svg: 8 tables, 6 foreign keys\n");
    let image = text(&project, "docs/schema.svg");
    assert!(image.starts_with("<svg ") && image.contains(">shop.orders</text>"), "{image}");
    let mode = project.path().join("docs/schema.svg").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o600, 0o600);
    project.db(&["diagram", "-o", "schema.gv"]).ok();
    assert!(text(&project, "schema.gv").starts_with("digraph schema {"));
    project.db(&["diagram", "-o", "schema.svg", "--format", "mermaid"]).ok();
    assert!(text(&project, "schema.svg").starts_with("erDiagram\n"));
    // The same database gives the same image.
    project.db(&["diagram", "-o", "again.svg"]).ok();
    assert_eq!(text(&project, "again.svg"), image);
}

fn tables(project: &Project, arguments: &[&str]) -> Vec<String> {
    let json = project.db(&[&["diagram", "--json"], arguments].concat()).ok().json();
    let tables = json["tables"].as_array().expect("tables").iter();
    tables.map(|table| table["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn neighbours_are_counted_in_foreign_keys() {
    let project = project("diagram_around");
    let around = |arguments: &[&str]| tables(&project, arguments).join(" ");
    assert_eq!(around(&["--around", "orders", "--depth", "0"]), "orders");
    assert_eq!(around(&["--around", "shop.orders"]), "users lines orders");
    assert_eq!(
        around(&["--around", "orders", "--depth", "2"]),
        "notes parts profiles users lines orders"
    );
    assert_eq!(around(&["--around", "notes", "--around", "alone"]), "alone notes lines");
    project.write(
        "db.toml",
        "[database]\nname = \"diagram_around\"\n\
         [diagram.views]\nbilling = { around = [\"shop.lines\"], depth = 1 }\n",
    );
    assert_eq!(around(&["--view", "billing"]), "notes lines orders");
    assert_eq!(around(&["--view", "billing", "--depth", "0"]), "lines");
}

/// Such names are written with quotation marks by some versions of PostgreSQL only.
#[test]
fn a_column_may_be_called_like_a_keyword() {
    let project = Project::new("diagram_keyword");
    project.run_sql(
        "CREATE TABLE a (id int PRIMARY KEY); \
         CREATE TABLE b (\"system_user\" int REFERENCES a, \"Two\" int REFERENCES a)",
    );
    project.db(&["diagram", "-o", "b.svg"]).ok();
    let ran = project.db(&["diagram"]).ok();
    let ran = ran.says("\"a\" |o--o{ \"b\" : \"system_user\"");
    let _ = ran.says("integer Two FK");
}

#[test]
fn what_cannot_be_drawn_is_named() {
    let project = project("diagram_refused");
    project.db(&["diagram", "--around", "user"]).code(2).says("`users`");
    for table in ["names", "a_part"] {
        let ran = project.db(&["diagram", "--around", table]).code(2);
        ran.says(&format!("`{table}` cannot be the centre of a diagram"));
    }
    project.db(&["diagram", "--view", "billing"]).code(2).says("no diagram view `billing`");
    let below_a_file = "migrations/1_shop.up.sql/x.svg";
    project.db(&["diagram", "-o", below_a_file]).code(7).says(below_a_file);
}
