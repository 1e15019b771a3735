//! Servers in front of the test server that behave as others do in the world.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use super::cluster;

/// Answers each connection to a new port in a thread of its own.
fn listening(serve: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            // A client that is gone is no fault.
            std::thread::spawn(move || drop(serve(client)));
        }
    });
    port
}

/// A port at which the server gets another text in place of this one, padded to its length.
pub(crate) fn altering(text: &'static str, other: &'static str) -> u16 {
    let other = format!("{other:width$}", width = text.len());
    listening(move |mut client| {
        let mut server = TcpStream::connect(("127.0.0.1", cluster().port))?;
        let (mut answers, mut answered) = (server.try_clone()?, client.try_clone()?);
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut answers, &mut answered);
            answered.shutdown(Shutdown::Both)
        });
        let mut buffer = [0; 1 << 16];
        loop {
            let count = client.read(&mut buffer)?;
            if count == 0 {
                return server.shutdown(Shutdown::Both);
            }
            let at = buffer[..count].windows(text.len()).position(|part| part == text.as_bytes());
            if let Some(at) = at {
                buffer[at..at + text.len()].copy_from_slice(other.as_bytes());
            }
            server.write_all(&buffer[..count])?;
        }
    })
}

/// A port of a pooler that has one connection to a database, and lends it to all of its clients for
/// a query at a time. It ignores their options, as PgBouncer does with `ignore_startup_parameters`.
/// It speaks as much of the protocol as one needs to notice it: simple queries, and no password.
pub(crate) fn pooler(database: &'static str) -> u16 {
    let socket = cluster().folder.join(format!(".s.PGSQL.{}", cluster().port));
    let mut server = UnixStream::connect(socket).expect("the server");
    server.write_all(&startup(database)).expect("a first message");
    relay(&mut server, &mut std::io::sink()).expect("the server is ready");
    let server = Mutex::new(server);
    listening(move |mut client| {
        let length = read_length(&mut client)?;
        let mut asked = vec![0; length];
        client.read_exact(&mut asked)?;
        client.write_all(&[message(b'R', &[0; 4]), message(b'Z', b"I")].concat())?;
        loop {
            let mut kind = [0];
            client.read_exact(&mut kind)?;
            let mut body = vec![0; read_length(&mut client)?];
            client.read_exact(&mut body)?;
            if kind == *b"X" {
                return Ok(());
            }
            let mut server = server.lock().expect("no test failed");
            server.write_all(&message(kind[0], &body))?;
            relay(&mut *server, &mut client)?;
        }
    })
}

/// The first message of a client.
fn startup(database: &str) -> Vec<u8> {
    let body = format!("user\0postgres\0database\0{database}\0\0");
    let mut message = (body.len() as u32 + 8).to_be_bytes().to_vec();
    message.extend(196_608_u32.to_be_bytes());
    message.extend(body.as_bytes());
    message
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[kind], &length[..], body].concat()
}

/// How long the rest of a message is.
fn read_length(from: &mut impl Read) -> std::io::Result<usize> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    Ok(u32::from_be_bytes(length) as usize - 4)
}

/// Passes messages on until the server is ready for the next query.
fn relay(server: &mut impl Read, client: &mut impl Write) -> std::io::Result<()> {
    loop {
        let mut kind = [0];
        server.read_exact(&mut kind)?;
        let mut body = vec![0; read_length(server)?];
        server.read_exact(&mut body)?;
        client.write_all(&message(kind[0], &body))?;
        if kind == *b"Z" {
            return Ok(());
        }
    }
}
