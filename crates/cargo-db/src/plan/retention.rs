//! Which backups stay, in restic's vocabulary: a backup stays if any rule keeps it.

use std::collections::BTreeSet;
use std::time::Duration;

use time::OffsetDateTime;

use crate::model::backup::{Backup, Reason};

/// The rules; an absent one keeps nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// How many of the newest backups to keep.
    pub(crate) last: usize,
    /// The newest of each day, for this many days that have a backup.
    pub(crate) daily: usize,
    pub(crate) weekly: usize,
    pub(crate) monthly: usize,
    /// Everything younger than this.
    pub(crate) within: Option<Duration>,
    /// Whether safety backups are counted together with those that a person took.
    pub(crate) together: bool,
}

/// A backup and the reasons to keep it; without a reason it is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RetentionDecision {
    pub(crate) name: String,
    pub(crate) reasons: Vec<String>,
    /// Why it is kept although no rule keeps it.
    pub(crate) withheld: Option<String>,
}

impl RetentionDecision {
    fn kept(name: &str, reason: String) -> RetentionDecision {
        RetentionDecision { name: name.to_owned(), reasons: vec![reason], withheld: None }
    }

    /// Keeps a backup that no rule keeps, for this reason.
    fn keep_withheld(&mut self, why: &str) {
        if self.reasons.is_empty() {
            self.reasons.push(why.to_owned());
            self.withheld = Some(why.to_owned());
        }
    }
}

/// What the rules are about, and where they end.
pub(crate) struct Bounds<'a> {
    pub(crate) database: &'a str,
    /// The server's identifier; if unknown, no backup is known to be of that server.
    pub(crate) server: Option<&'a str>,
    pub(crate) now: OffsetDateTime,
    /// The backup that this run took.
    pub(crate) taken: Option<&'a str>,
    /// Whether this run is going to take one that counts.
    pub(crate) coming: bool,
    /// Why a backup may not be removed without consent.
    pub(crate) in_the_way: &'a dyn Fn(&Backup) -> Option<String>,
}

impl Bounds<'_> {
    fn includes(&self, backup: &Backup) -> bool {
        let (server, database) = backup.group();
        server.is_some() && server.as_deref() == self.server && database == self.database
    }
}

/// What is judged of a backup. One that is only coming has no name.
struct RatedBackup<'a> {
    name: &'a str,
    finished: OffsetDateTime,
    verified: bool,
    part: Vec<String>,
    reason: Reason,
}

impl<'a> RatedBackup<'a> {
    fn of(backup: &'a Backup) -> RatedBackup<'a> {
        let manifest = &backup.manifest;
        RatedBackup {
            name: &manifest.name,
            // As the manifest says; a name or a file's time proves nothing.
            finished: manifest.finished,
            verified: backup.is_verified(),
            part: manifest.part(),
            reason: manifest.reason(),
        }
    }

    /// The backup that this run is going to take: newer than all existing ones, whatever the clocks
    /// say.
    fn upcoming(now: OffsetDateTime, there: &[RatedBackup<'_>]) -> RatedBackup<'a> {
        let finished = there.iter().map(|one| one.finished).fold(now, OffsetDateTime::max);
        let reason = Reason::Policy;
        RatedBackup { name: "", finished, verified: true, part: Vec::new(), reason }
    }

    /// Which ones are counted together with it.
    fn kind(&self, together: bool) -> (bool, Option<Reason>, &[String]) {
        (!self.verified, (!together).then_some(self.reason), &self.part)
    }
}

/// Decides about all backups, separately by kind: a partial backup never counts as a complete one,
/// a safety backup never as one that a person took, and an unverified one never as the newest.
pub(crate) fn judge(
    backups: &[Backup],
    rules: &Retention,
    bounds: &Bounds<'_>,
) -> Vec<RetentionDecision> {
    let (own, others): (Vec<_>, Vec<_>) =
        backups.iter().partition(|backup| bounds.includes(backup));
    let mut judged: Vec<RatedBackup<'_>> =
        own.iter().map(|backup| RatedBackup::of(backup)).collect();
    if bounds.coming {
        judged.insert(0, RatedBackup::upcoming(bounds.now, &judged));
    }
    judged.sort_by_key(|one| std::cmp::Reverse(one.finished));
    let kinds: BTreeSet<_> = judged.iter().map(|one| one.kind(rules.together)).collect();
    let of_kind = |kind| judged.iter().filter(move |one| one.kind(rules.together) == kind);
    let mut verdicts: Vec<RetentionDecision> = kinds
        .into_iter()
        .flat_map(|kind| judge_kind(&of_kind(kind).collect::<Vec<_>>(), rules, bounds.now))
        .filter(|verdict| !verdict.name.is_empty())
        .collect();
    keep_withheld(&mut verdicts, &own, bounds);
    let foreign = "of another database or server, or of an unknown one";
    let foreign =
        |backup: &&Backup| RetentionDecision::kept(&backup.manifest.name, foreign.to_owned());
    verdicts.extend(others.iter().map(foreign));
    verdicts
}

/// Keeps backups that no rule keeps but that may not be removed.
fn keep_withheld(verdicts: &mut [RetentionDecision], own: &[&Backup], bounds: &Bounds<'_>) {
    // A clock was wrong, then or now: it is unknown which backups are old.
    let of_future = own.iter().find(|backup| backup.manifest.is_dated_in_future(bounds.now));
    for verdict in verdicts {
        if let Some(future) = of_future {
            let name = &future.manifest.name;
            verdict.keep_withheld(&format!("{name} is dated in the future, so no age is certain"));
        }
        if bounds.taken == Some(verdict.name.as_str()) {
            verdict.reasons.push("taken by this run".to_owned());
        }
        let backup = own.iter().find(|backup| backup.manifest.name == verdict.name);
        if let Some(why) = backup.and_then(|backup| (bounds.in_the_way)(backup)) {
            verdict.keep_withheld(&why);
        }
    }
}

/// Newest first.
fn judge_kind(
    judged: &[&RatedBackup<'_>],
    rules: &Retention,
    now: OffsetDateTime,
) -> Vec<RetentionDecision> {
    let mut periods = [
        Periods::new("day", rules.daily, |when| i64::from(when.to_julian_day())),
        Periods::new("week", rules.weekly, |when| {
            i64::from(when.year_of_week()) * 100 + i64::from(when.iso_week())
        }),
        Periods::new("month", rules.monthly, |when| {
            i64::from(when.year()) * 100 + i64::from(u8::from(when.month()))
        }),
    ];
    let mut newest_of = BTreeSet::new();
    let verdicts = judged.iter().enumerate().map(|(index, one)| {
        let mut reasons = Vec::new();
        if one.verified && newest_of.insert(one.reason) {
            reasons.push("the newest verified backup".to_owned());
        }
        if index < rules.last {
            reasons.push(format!("one of the last {}", rules.last));
        }
        // One of the future is young.
        let age = Duration::try_from(now - one.finished).unwrap_or_default();
        if rules.within.is_some_and(|within| age <= within) {
            reasons.push("recent enough".to_owned());
        }
        reasons.extend(periods.iter_mut().filter_map(|period| period.keeps(one.finished)));
        RetentionDecision { name: one.name.to_owned(), reasons, withheld: None }
    });
    verdicts.collect()
}

/// The newest backup of each day, week or month, for a number of them.
struct Periods {
    name: &'static str,
    left: usize,
    last: Option<i64>,
    number: fn(OffsetDateTime) -> i64,
}

impl Periods {
    fn new(name: &'static str, left: usize, number: fn(OffsetDateTime) -> i64) -> Periods {
        Periods { name, left, last: None, number }
    }

    fn keeps(&mut self, when: OffsetDateTime) -> Option<String> {
        let number = (self.number)(when);
        if self.left == 0 || self.last == Some(number) {
            return None;
        }
        self.left -= 1;
        self.last = Some(number);
        Some(format!("the newest of its {}", self.name))
    }
}

trait WeekYear {
    /// The year that the ISO week belongs to.
    fn year_of_week(self) -> i32;
}

impl WeekYear for OffsetDateTime {
    fn year_of_week(self) -> i32 {
        self.date().to_iso_week_date().0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::backup::{Engine, Format, Locale, Manifest, ServerIdentity, SourceDatabase};

    fn backup(name: &str, hours_ago: i64, read_back: bool) -> Backup {
        let finished = now() - time::Duration::hours(hours_ago);
        let manifest = Manifest {
            format_version: 1,
            tool: String::new(),
            name: name.to_owned(),
            format: Format::Sql,
            compression: "none".into(),
            started: finished,
            finished,
            environment: "test".into(),
            repository: String::new(),
            event: String::new(),
            reason: None,
            unread: vec![],
            server: ServerIdentity { version: "15.1".into(), system_identifier: Some("1".into()) },
            database: SourceDatabase {
                name: "d".into(),
                oid: "1".into(),
                locale: Locale::default(),
                collation_version: None,
                bytes: 0,
                properties: None,
            },
            engine: Engine { name: String::new(), major: 15 },
            selection: vec![],
            extensions: BTreeMap::new(),
            roles: vec![],
            rights: None,
            migrations: BTreeMap::new(),
            git_commit: None,
            files: vec![],
            tables: BTreeMap::new(),
            sequences: BTreeMap::new(),
            invalid_indexes: vec![],
            restorable: None,
            lost: Vec::new(),
            doubts: vec![],
            read_back,
        };
        Backup { manifest, verification: None }
    }

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_790_000_000).unwrap()
    }

    fn kept(backups: &[Backup], rules: &Retention) -> Vec<String> {
        kept_where(backups, rules, false)
    }

    /// What is kept where a backup is coming, or is not.
    fn kept_where(backups: &[Backup], rules: &Retention, coming: bool) -> Vec<String> {
        let bounds = Bounds {
            database: "d",
            server: Some("1"),
            now: now(),
            taken: None,
            coming,
            in_the_way: &|_| None,
        };
        let verdicts = judge(backups, rules, &bounds);
        verdicts
            .into_iter()
            .filter(|verdict| !verdict.reasons.is_empty())
            .map(|verdict| verdict.name)
            .collect()
    }

    #[test]
    fn rules_add_up() {
        let backups: Vec<Backup> =
            (0..100).map(|index| backup(&index.to_string(), index * 12, true)).collect();
        assert_eq!(kept(&backups, &Retention { last: 3, ..Retention::default() }), ["0", "1", "2"]);
        let daily = kept(&backups, &Retention { last: 3, daily: 4, ..Retention::default() });
        assert!(daily.len() > 4 && daily.len() <= 7, "{daily:?}");
        let within =
            Retention { within: Some(Duration::from_secs(36 * 3600)), ..Retention::default() };
        assert_eq!(kept(&backups, &within).len(), 4);
    }

    #[test]
    fn the_new_backup_is_the_newest_whatever_the_clocks_say() {
        // Taken a moment ago, by a clock that is ahead of the server's.
        let mut backups = [backup("3", 0, true), backup("2", 0, true), backup("1", 1, true)];
        backups[0].manifest.finished += Duration::from_secs(2);
        backups[1].manifest.finished += Duration::from_secs(1);
        let rules = Retention { last: 2, together: true, ..Retention::default() };
        assert_eq!(kept_where(&backups, &rules, true), ["3"]);
        assert_eq!(kept_where(&backups, &rules, false), ["3", "2"]);
    }

    #[test]
    fn fewer_than_asked_for_is_fine() {
        assert_eq!(
            kept(&[backup("a", 5000, true)], &Retention { last: 7, ..Retention::default() }),
            ["a"]
        );
        assert_eq!(kept(&[], &Retention { last: 7, ..Retention::default() }), Vec::<String>::new());
    }

    /// Every combination of small rules, compared with a straightforward model.
    #[test]
    fn the_newest_verified_always_stays_and_the_model_agrees() {
        let mut seed = 7_u64;
        let mut random = |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..300 {
            let count = random(12);
            let backups: Vec<Backup> = (0..count)
                .map(|index| {
                    backup(&index.to_string(), i64::try_from(random(3000)).unwrap(), random(3) > 0)
                })
                .collect();
            let rules = Retention {
                last: random(4) as usize,
                daily: random(4) as usize,
                weekly: random(3) as usize,
                monthly: random(3) as usize,
                within: (random(2) == 1).then(|| Duration::from_secs(random(2000) * 3600)),
                together: false,
            };
            let kept: BTreeSet<String> = kept(&backups, &rules).into_iter().collect();
            let newest = backups
                .iter()
                .filter(|backup| backup.is_verified())
                .max_by_key(|backup| backup.manifest.finished);
            assert!(newest.is_none_or(|newest| kept.contains(&newest.manifest.name)));
            for backup in &backups {
                assert_eq!(
                    kept.contains(&backup.manifest.name),
                    model(backup, &backups, &rules),
                    "{rules:?} {backup:?}"
                );
            }
        }
    }

    fn model(one: &Backup, all: &[Backup], rules: &Retention) -> bool {
        let peers: Vec<&Backup> =
            all.iter().filter(|other| other.is_verified() == one.is_verified()).collect();
        let position = |other: &Backup| all.iter().position(|backup| backup == other);
        // How many peers of other periods, or of the same and newer, come before this one.
        let rank = |number: fn(OffsetDateTime) -> i64| {
            let newer: Vec<&&Backup> = peers
                .iter()
                .filter(|other| {
                    (other.manifest.finished, std::cmp::Reverse(position(other)))
                        > (one.manifest.finished, std::cmp::Reverse(position(one)))
                })
                .collect();
            let own = number(one.manifest.finished);
            let periods: BTreeSet<i64> =
                newer.iter().map(|other| number(other.manifest.finished)).collect();
            (newer.len(), periods.len(), periods.contains(&own))
        };
        let (newer, ..) = rank(time::OffsetDateTime::unix_timestamp);
        let in_period = |number: fn(OffsetDateTime) -> i64, count: usize| {
            let (_, periods, taken) = rank(number);
            !taken && periods < count
        };
        (one.is_verified() && newer == 0)
            || newer < rules.last
            || rules.within.is_some_and(|within| one.manifest.finished + within >= now())
            || in_period(|when| i64::from(when.to_julian_day()), rules.daily)
            || in_period(
                |when| i64::from(when.year_of_week()) * 100 + i64::from(when.iso_week()),
                rules.weekly,
            )
            || in_period(
                |when| i64::from(when.year()) * 100 + i64::from(u8::from(when.month())),
                rules.monthly,
            )
    }
}
