//! Whole sessions as a user sees them, in the files `seen/*.txt`: every word of stdout and stderr,
//! at 80 columns without colours. Whoever changes a message sees here how it reads in its place.

mod backups;
mod daily;
mod refusals;
mod rehearsals;
mod settings;
