//! TLS, with libpq's meaning of each `sslmode`.

use crate::support::{Project, cluster};

/// `host` decides which name the certificate is compared with: it was made for `localhost`.
fn status(sslmode: &str, root: Option<&str>, host: &str) -> crate::support::Ran {
    let mut project = Project::bare("tls");
    let root = root.map(|file| format!("&sslrootcert={}", cluster().folder.join(file).display()));
    let url = cluster().tcp_url("postgres").replace("127.0.0.1", host);
    project.set("DATABASE_URL", &format!("{url}?sslmode={sslmode}{}", root.unwrap_or_default()));
    project.db(&["status", "--json"])
}

fn protocol(ran: &crate::support::Ran) -> String {
    ran.json()["server"]["tls"].as_str().unwrap_or("none").to_owned()
}

#[test]
fn each_mode_protects_as_much_as_it_says() {
    assert_eq!(protocol(&status("disable", None, "localhost").ok()), "none");
    for mode in ["prefer", "require"] {
        assert_eq!(protocol(&status(mode, None, "127.0.0.1").ok()), "TLSv1.3", "{mode}");
    }
    // The authority is known, the name is not.
    assert_eq!(protocol(&status("verify-ca", Some("ca.crt"), "127.0.0.1").ok()), "TLSv1.3");
    status("verify-full", Some("ca.crt"), "127.0.0.1").code(6).says("certificate");
    assert_eq!(protocol(&status("verify-full", Some("ca.crt"), "localhost").ok()), "TLSv1.3");
    // An unknown authority signed it; with a root file, `require` verifies it too.
    for mode in ["require", "verify-ca", "verify-full"] {
        status(mode, Some("other-ca.crt"), "localhost").code(6).says("certificate");
    }
    // Without a root file any authority would do, and any name: libpq refuses that too.
    status("verify-ca", None, "localhost").code(2).says("needs `sslrootcert`");
    // The system's authorities did not sign it.
    status("verify-full", None, "localhost").code(6);
}

#[test]
fn bad_files_and_modes_are_named() {
    status("verify-full", Some("no-such-file"), "localhost").code(2).says("no-such-file");
    status("sometimes", None, "localhost").code(2).says("`sometimes` is not a valid `sslmode`");
}
