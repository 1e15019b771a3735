//! Options of foreign servers are not for a file that everybody reads.

use pg_logical::catalog::{Catalog, Definition};

/// What stands for a value.
const MASK: &str = "***";

/// Options of `postgres_fdw` and its like that tune and hold no secret. Some are no text, so that
/// no other value could stand for theirs.
const KEPT: [&str; 16] = [
    "analyze_sampling",
    "async_capable",
    "batch_size",
    "extensions",
    "fdw_startup_cost",
    "fdw_tuple_cost",
    "fetch_size",
    "keep_connections",
    "parallel_abort",
    "parallel_commit",
    "password_required",
    "restart_on_reconnect",
    "truncatable",
    "updatable",
    "use_remote_estimate",
    "use_scram_passthrough",
];

/// Puts a mask in the place of the values of servers and user mappings.
pub(crate) fn mask(catalog: &mut Catalog) {
    for object in &mut catalog.objects {
        match &mut object.definition {
            Definition::Server(server) => hide(&mut server.options),
            Definition::UserMapping(mapping) => hide(&mut mapping.options),
            _ => {}
        }
    }
}

fn hide(options: &mut [String]) {
    for option in options {
        let name = option.split('=').next().unwrap_or_default();
        if !KEPT.contains(&name) {
            *option = format!("{name}={MASK}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_what_must_be_a_number_stays() {
        let mut options = ["host=db", "password=a=b", "fetch_size=100"].map(str::to_owned);
        hide(&mut options);
        assert_eq!(options, ["host=***", "password=***", "fetch_size=100"]);
    }
}
