//! The server, and the connection to it.

use std::path::Path;

use time::OffsetDateTime;

use crate::failure::Result;
use crate::verb::doctor::check::{DatabaseSubject, Diagnosis, DoctorCheck};
use crate::world::clock::now;
use crate::world::server::client;

pub(super) const CHECKS: &[DoctorCheck<DatabaseSubject>] = &[
    DoctorCheck { id: "reachable", diagnose: reachable },
    DoctorCheck { id: "server-major", diagnose: server_major },
    DoctorCheck { id: "client-programs", diagnose: client_programs },
    DoctorCheck { id: "tls", diagnose: tls },
    DoctorCheck { id: "pooler", diagnose: pooler },
    DoctorCheck { id: "clock", diagnose: clock },
    DoctorCheck { id: "connections", diagnose: connections },
    DoctorCheck { id: "long-transactions", diagnose: long_transactions },
    DoctorCheck { id: "blocking-sessions", diagnose: blocking_sessions },
];

/// The majors that are tested.
const MAJORS: std::ops::RangeInclusive<u32> = 14..=18;

fn reachable(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    Ok(Diagnosis::Sound(format!("connected to {}", subject.target)))
}

fn server_major(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    Ok(support_of(subject.session.server_major()?))
}

fn support_of(major: u32) -> Diagnosis {
    let evidence = format!("the server is PostgreSQL {major}");
    if MAJORS.contains(&major) {
        return Diagnosis::Sound(evidence);
    }
    let remedy = format!("use a server of PostgreSQL {} to {}", MAJORS.start(), MAJORS.end());
    Diagnosis::of_evidence(vec![evidence], "", &remedy)
}

/// Only backups in `pg_dump`'s formats need PostgreSQL's own programs.
fn client_programs(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let major = subject.session.server_major()?;
    Ok(programs_for(subject.settings.pg_bin(), major))
}

fn programs_for(folder: Option<&Path>, major: u32) -> Diagnosis {
    match client(folder, major) {
        Ok(found) => Diagnosis::Sound(format!("pg_dump is {}", found.program("pg_dump").display())),
        Err(failure) => Diagnosis::of(&failure),
    }
}

fn tls(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    if subject.target.is_local() {
        return Ok(Diagnosis::Sound("the server is on this machine".to_owned()));
    }
    let sql = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
    let version = subject.session.value("look for TLS", sql)?;
    Ok(encryption(version.as_deref(), &subject.target.server()))
}

fn encryption(version: Option<&str>, server: &str) -> Diagnosis {
    match version {
        Some(version) => Diagnosis::Sound(format!("the connection uses {version}")),
        None => Diagnosis::of_evidence(
            vec![format!("the connection to {server} is not encrypted")],
            "",
            "set `sslmode=verify-full` in the URL, and `ssl = on` on the server",
        ),
    }
}

/// Behind one, no session is opened, so nothing else is examined.
fn pooler(_: &mut DatabaseSubject) -> Result<Diagnosis> {
    Ok(Diagnosis::Sound("no transaction pooler was noticed".to_owned()))
}

fn clock(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let sql = "SELECT extract(epoch FROM clock_timestamp())::float8 AS seconds, \
               (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone') AS zone";
    let row = subject.session.one("read the server's clock", sql)?;
    let seconds: f64 = row.number("seconds")?;
    Ok(clock_difference(now(), seconds, row.text("zone")?))
}

/// Backups and audit trails have the times of both clocks.
fn clock_difference(ours: OffsetDateTime, theirs: f64, zone: &str) -> Diagnosis {
    const AT_MOST: f64 = 5.0;
    let ours = ours.unix_timestamp() as f64 + f64::from(ours.millisecond()) / 1000.0;
    let difference = theirs - ours;
    let evidence =
        format!("the server's clock is {difference:+.1} s from ours; its time zone is {zone}");
    if difference.abs() < AT_MOST {
        return Diagnosis::Sound(evidence);
    }
    Diagnosis::of_evidence(vec![evidence], "", "let both machines synchronise their clocks (NTP)")
}

fn connections(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let found =
        subject.session.column("count the connections", include_str!("sql/connections.sql"))?;
    Ok(Diagnosis::of_evidence(
        found,
        "fewer than 80 % of the allowed connections are in use",
        "end idle sessions, raise the limit, or use a pooler for the application",
    ))
}

fn long_transactions(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let seconds = subject.long_transaction.as_secs_f64().to_string();
    let sql = include_str!("sql/long_transactions.sql").replace("{seconds}", &seconds);
    let found = subject.session.column("look for long transactions", &sql)?;
    Ok(Diagnosis::of_evidence(
        found,
        "no transaction is old",
        "end the transaction in its application, or with pg_terminate_backend: it keeps locks, \
         and rows that VACUUM would remove",
    ))
}

fn blocking_sessions(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let sql = include_str!("sql/blocking_sessions.sql");
    let found = subject.session.column("look for blocking sessions", sql)?;
    Ok(Diagnosis::of_evidence(
        found,
        "no session waits for a lock",
        "let the session that is waited for end its transaction: a migration would wait too",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_a_problem() {
        let ours = OffsetDateTime::from_unix_timestamp(1_000).unwrap();
        assert!(matches!(clock_difference(ours, 1_001.0, "UTC"), Diagnosis::Sound(_)));
        for theirs in [990.0, 1_060.5] {
            let Diagnosis::Problem { evidence, .. } = clock_difference(ours, theirs, "UTC") else {
                panic!("{theirs}");
            };
            assert!(evidence[0].contains("from ours"), "{evidence:?}");
        }
    }

    #[test]
    fn a_server_that_no_program_can_dump_is_a_problem() {
        let Diagnosis::Problem { evidence, remedy, .. } = programs_for(None, 99) else {
            panic!("there is no PostgreSQL 99");
        };
        assert!(evidence[0].contains("99") && !remedy.is_empty(), "{evidence:?} {remedy}");
    }

    #[test]
    fn a_connection_in_the_clear_is_a_problem() {
        assert!(matches!(encryption(Some("TLSv1.3"), "db:5432"), Diagnosis::Sound(_)));
        assert!(matches!(encryption(None, "db:5432"), Diagnosis::Problem { .. }));
    }

    #[test]
    fn untested_majors_are_a_problem() {
        assert!(matches!(support_of(14), Diagnosis::Sound(_)));
        assert!(matches!(support_of(13), Diagnosis::Problem { .. }));
    }
}
