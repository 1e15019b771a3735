//! Whole sessions as a user sees them, in the files `seen/*.txt`: all of stdout and stderr, at 80
//! columns without colours. They show how a changed message reads in context.

mod backups;
mod daily;
mod refusals;
mod rehearsals;
mod settings;
