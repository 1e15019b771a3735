//! Which backups stay, in restic's vocabulary: a backup stays if any rule keeps it.

use std::collections::BTreeSet;
use std::time::Duration;

use time::OffsetDateTime;

use crate::model::backup::Backup;

/// The rules; an absent one keeps nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// The newest so many.
    pub(crate) last: usize,
    /// The newest of each of the last so many days that have one.
    pub(crate) daily: usize,
    pub(crate) weekly: usize,
    pub(crate) monthly: usize,
    /// Everything younger than this.
    pub(crate) within: Option<Duration>,
}

/// A backup and why it stays; for no reason it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) name: String,
    pub(crate) reasons: Vec<String>,
}

impl Retention {
    /// Whether there is any rule at all. Without one everything stays.
    fn is_empty(&self) -> bool {
        *self == Retention::default()
    }
}

/// Judges all backups, each within those of its own database. Unverified ones are judged alone:
/// they never count as the newest, and never push a verified one out.
pub(crate) fn judge(backups: &[Backup], rules: &Retention, now: OffsetDateTime) -> Vec<Verdict> {
    let groups: BTreeSet<_> = backups.iter().map(Backup::group).collect();
    let mut verdicts = Vec::new();
    for group in groups {
        for verified in [true, false] {
            let mut of_group: Vec<&Backup> = backups
                .iter()
                .filter(|backup| backup.group() == group && backup.is_verified() == verified)
                .collect();
            // By when it was finished, as the manifest says; a name or a file's time proves
            // nothing.
            of_group.sort_by_key(|backup| std::cmp::Reverse(backup.manifest.finished));
            verdicts.extend(judge_group(&of_group, rules, now, verified));
        }
    }
    verdicts
}

/// Newest first.
fn judge_group(
    backups: &[&Backup],
    rules: &Retention,
    now: OffsetDateTime,
    verified: bool,
) -> Vec<Verdict> {
    let mut periods = [
        Periods::new("day", rules.daily, |when| i64::from(when.to_julian_day())),
        Periods::new("week", rules.weekly, |when| {
            i64::from(when.year_of_week()) * 100 + i64::from(when.iso_week())
        }),
        Periods::new("month", rules.monthly, |when| {
            i64::from(when.year()) * 100 + i64::from(u8::from(when.month()))
        }),
    ];
    let judged = backups.iter().enumerate().map(|(index, backup)| {
        let finished = backup.manifest.finished;
        let mut reasons = Vec::new();
        if index == 0 && verified {
            reasons.push("the newest that was verified".to_owned());
        }
        if rules.is_empty() {
            reasons.push("no rule removes anything".to_owned());
        }
        if index < rules.last {
            reasons.push(format!("one of the last {}", rules.last));
        }
        // A clock that went backwards makes a backup of the future: it is young.
        if rules.within.is_some_and(|within| finished + within >= now) {
            reasons.push("young enough".to_owned());
        }
        reasons.extend(periods.iter_mut().filter_map(|period| period.keeps(finished)));
        Verdict { name: backup.manifest.name.clone(), reasons }
    });
    judged.collect()
}

/// The newest backup of each of the last so many days, weeks or months.
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
    use crate::model::backup::{
        DatabaseIdentity, Engine, Format, Locale, Manifest, ServerIdentity,
    };

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
            server: ServerIdentity { version: "15.1".into(), system_identifier: Some("1".into()) },
            database: DatabaseIdentity {
                name: "d".into(),
                oid: "1".into(),
                locale: Locale::default(),
                collation_version: None,
                bytes: 0,
            },
            engine: Engine { name: String::new(), major: 15 },
            selection: vec![],
            extensions: BTreeMap::new(),
            roles: vec![],
            migrations: BTreeMap::new(),
            git_commit: None,
            files: vec![],
            tables: BTreeMap::new(),
            sequences: BTreeMap::new(),
            read_back,
        };
        Backup { manifest, verification: None }
    }

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_790_000_000).unwrap()
    }

    fn kept(backups: &[Backup], rules: &Retention) -> Vec<String> {
        let verdicts = judge(backups, rules, now());
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
        assert_eq!(kept(&backups, &Retention::default()).len(), 100);
    }

    #[test]
    fn fewer_than_asked_for_is_fine() {
        assert_eq!(
            kept(&[backup("a", 5000, true)], &Retention { last: 7, ..Retention::default() }),
            ["a"]
        );
        assert_eq!(kept(&[], &Retention { last: 7, ..Retention::default() }), Vec::<String>::new());
    }

    /// Every combination of small rules, against the rules told in the plainest way.
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
                    backup(
                        &index.to_string(),
                        i64::try_from(random(3000)).unwrap() - 50,
                        random(3) > 0,
                    )
                })
                .collect();
            let rules = Retention {
                last: random(4) as usize,
                daily: random(4) as usize,
                weekly: random(3) as usize,
                monthly: random(3) as usize,
                within: (random(2) == 1).then(|| Duration::from_secs(random(2000) * 3600)),
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
        rules.is_empty()
            || (one.is_verified() && newer == 0)
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
