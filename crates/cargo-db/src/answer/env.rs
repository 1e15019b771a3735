//! Which environment a database is in.

use serde::Serialize;

use crate::answer::plan::TargetView;
use crate::answer::{Answer, Style};
use crate::model::environment::{Environment, Marker, Resolved, Signal};
use crate::model::target::Target;

/// The environment, and every reason for it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct EnvironmentReport {
    target: TargetView,
    environment: Environment,
    signals: Vec<Signal>,
    /// Where the marker says that it is a copy.
    copy_of: Option<Environment>,
    marker: Option<Marker>,
}

impl EnvironmentReport {
    /// What is known of the target.
    pub(crate) fn of(
        target: &Target,
        environment: Resolved,
        marker: Option<Marker>,
    ) -> EnvironmentReport {
        let Resolved { environment, signals, copy_of } = environment;
        EnvironmentReport { target: target.into(), environment, signals, copy_of, marker }
    }
}

impl Answer for EnvironmentReport {
    fn text(&self, _: &Style) -> String {
        let mut lines = vec![format!("{} on {}", self.environment, self.target)];
        // The marker is shown below, even if it was copied from another database.
        let signals = self.signals.iter().filter(|signal| !signal.is_of_marker());
        lines.extend(signals.map(|signal| format!("  {}: {}", signal.source, signal.said)));
        lines.push(match &self.marker {
            None => "  it has no marker".to_owned(),
            Some(Marker { environment, genuine: true, .. }) => {
                format!("  its marker says {environment}")
            }
            Some(Marker { environment, genuine: false, .. }) => {
                format!("  its marker says that it is a copy of {environment}")
            }
        });
        let keys = self.marker.iter().filter(|marker| marker.genuine);
        let keys = keys.flat_map(|marker| &marker.keys);
        lines.extend(keys.map(|key| format!("  it accepts receipts signed by {key}")));
        lines.join("\n")
    }
}
