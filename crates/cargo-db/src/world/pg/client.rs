//! A blocking client over tokio-postgres that gives access to the server's reports.
//!
//! The blocking client of the `postgres` crate hides its connection. Ours is as thin, and provides
//! two more things: the settings that the server reports with every answer (PostgreSQL manual,
//! 55.2.7 "Asynchronous Operations"), and a way to send one statement such that the server rejects
//! a second one (55.2.3 "Extended Query").

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, TryStreamExt};
use postgres::error::DbError;
use postgres::{Error, SimpleQueryMessage};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, CancelToken, Config, CopyInSink, Socket};

/// What becomes of the notices of a session.
pub(super) type Notices = Box<dyn FnMut(&DbError) + Send>;

/// A connection, and the client that speaks over it.
pub(crate) struct Client {
    client: tokio_postgres::Client,
    line: ConnectionDriver,
}

/// The half that moves the bytes: nothing happens unless it is polled.
struct ConnectionDriver {
    runtime: Runtime,
    wire: Box<dyn AsyncConnection>,
    notices: Notices,
}

/// A connection over whatever stream.
trait AsyncConnection: Send {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Error>>>;
    fn parameter(&self, name: &str) -> Option<&str>;
}

impl<S, T> AsyncConnection for tokio_postgres::Connection<S, T>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Error>>> {
        self.poll_message(context)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        tokio_postgres::Connection::parameter(self, name)
    }
}

impl Client {
    /// Connects.
    pub(super) fn connect<T>(config: &Config, tls: T, notices: Notices) -> Result<Client, Error>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let runtime = runtime();
        let (client, connection) = runtime.block_on(config.connect(tls))?;
        let line = ConnectionDriver { runtime, wire: Box::new(connection), notices };
        Ok(Client { client, line })
    }

    /// Runs a text of any number of statements.
    pub(crate) fn batch_execute(&mut self, sql: &str) -> Result<(), Error> {
        self.line.run(self.client.batch_execute(sql))
    }

    /// Runs a text of any number of statements, and gives their rows as text.
    pub(super) fn simple_query(&mut self, sql: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
        self.line.run(self.client.simple_query(sql))
    }

    /// Runs one statement in one round trip; the server refuses a text of several. Rows that it
    /// gives are thrown away as they come.
    pub(crate) fn execute(&mut self, statement: &str) -> Result<(), Error> {
        self.line.run(self.client.execute_typed(statement, &[])).map(drop)
    }

    /// Begins to send the data of one `COPY … FROM stdin`.
    pub(crate) fn copy_in(&mut self, statement: &str) -> Result<CopyIn<'_>, Error> {
        let sink = self.line.run(self.client.copy_in(statement))?;
        Ok(CopyIn { line: &mut self.line, sink: Box::pin(sink), piece: BytesMut::new() })
    }

    /// Hands out the data of one `COPY … TO stdout`, a row at a time, as the server sends it.
    pub(super) fn copy_out(
        &mut self,
        statement: &str,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Error> {
        let stream = self.line.run(self.client.copy_out(statement))?;
        let mut rows = pin!(stream);
        while let Some(row) = self.line.run(rows.try_next())? {
            each(&row);
        }
        Ok(())
    }

    /// Runs a `COPY … TO stdout` and discards its rows.
    pub(super) fn drain(&mut self, statement: &str) -> Result<(), Error> {
        self.copy_out(statement, &mut |_| {})
    }

    /// What the server last reported of one of the settings that it reports.
    pub(super) fn reported(&self, setting: &str) -> Option<&str> {
        self.line.wire.parameter(setting)
    }

    /// What cancels the statement that runs.
    pub(super) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }
}

impl ConnectionDriver {
    /// Waits for the answer to a request and drives the connection meanwhile. If the connection
    /// ends, the request ends too.
    fn run<T>(&mut self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let ConnectionDriver { runtime, wire, notices } = self;
        let mut request = pin!(request);
        runtime.block_on(poll_fn(|context| {
            loop {
                match wire.poll(context) {
                    Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => notices(&notice),
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                    Poll::Ready(None) | Poll::Pending => break,
                }
            }
            request.as_mut().poll(context)
        }))
    }
}

/// The data of a COPY on its way. One that is dropped before its end is refused by the server.
pub(crate) struct CopyIn<'a> {
    line: &'a mut ConnectionDriver,
    sink: Pin<Box<CopyInSink<Bytes>>>,
    piece: BytesMut,
}

/// The size of the pieces passed to the client, which sends each as one message.
const PIECE: usize = 256 * 1024;

impl CopyIn<'_> {
    /// Sends more of the data.
    pub(crate) fn send(&mut self, data: &[u8]) -> Result<(), Error> {
        self.piece.extend_from_slice(data);
        if self.piece.len() >= PIECE { self.send_piece() } else { Ok(()) }
    }

    /// Ends the data: what the server has against it, it says now.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.send_piece()?;
        self.line.run(self.sink.as_mut().finish()).map(drop)
    }

    fn send_piece(&mut self) -> Result<(), Error> {
        let piece = self.piece.split().freeze();
        self.line.run(self.sink.send(piece))
    }
}

/// Cancels the running statement of a session over a separate connection. If that fails, the
/// statement keeps running; a second signal ends the process.
pub(super) fn cancel<T: MakeTlsConnect<Socket>>(token: &CancelToken, tls: T) {
    drop(runtime().block_on(token.cancel_query(tls)));
}

fn runtime() -> Runtime {
    let built = Builder::new_current_thread().enable_all().build();
    built.expect("a runtime of this thread's needs nothing that can be missing")
}
