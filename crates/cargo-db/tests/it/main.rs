//! Everything that is tested from outside: the program as its users meet it, against a real
//! PostgreSQL. One binary, because linking many takes longer than running them.

#![expect(
    clippy::disallowed_methods,
    reason = "the fence stands around the product, and tests look at it from outside"
)]

mod support;

mod after;
mod agent_cycle;
mod agent_files;
mod any_object;
mod approval;
mod audit;
mod backup;
mod baseline;
mod check;
mod circles;
mod comes_back;
mod completions;
mod concurrency;
mod concurrently;
mod consent;
mod consent_bytes;
mod create;
mod dangers;
mod demo;
mod deploy;
mod diagram;
mod diff;
mod doctor;
mod documents;
mod drift;
mod drift_shared;
mod dump_is_data;
mod dumped;

mod encodings;
mod expected;
mod fingerprints;
mod foreign;
mod foreign_rehearsed;
mod formats;
mod generate;
mod hooks;
mod init;
mod inplace;
mod interop;
mod layouts;
mod marked;
mod migrate;
mod monorepo;
mod named;
mod narrow;
mod narrowing;
mod newcomer;
mod next;
mod odd_files;
mod pages;
mod pinned;
mod policy;
mod prisma;
mod programs;
mod published;
mod range;
mod reading;
mod rebase;
mod recorded;
mod rehearse;
mod rehearsed_run;
mod release;
mod repair_drift;
mod restore;
mod retention;
mod rollback;
mod rollback_proof;
mod safe;
mod schema_file;
mod schema_folder;
mod schema_template;
mod second_look;
mod seed;
mod seen;
mod server;
mod set;
mod settings;
mod several;
mod shell;
mod signed;
mod small_locks;
mod snapshot;
mod switch;
mod targets;
mod terminal;
mod tidy;
mod timeouts;
mod tls;
mod traces;
mod trail;
mod transactions;
mod trust;
mod undone_kinds;
mod whose;
mod wording;
