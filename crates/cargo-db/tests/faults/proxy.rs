//! A TCP proxy that counts bytes, and cuts everything at a given one.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// It listens until the process ends.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    passed: Arc<AtomicU64>,
}

impl Proxy {
    /// In front of a server. At the byte `limit` every connection of the moment is cut; later ones
    /// are cut at once too, unless `heals`. Before the first is cut, `at_limit` is called.
    pub(crate) fn start(
        server: u16,
        limit: u64,
        heals: bool,
        at_limit: impl Fn() + Send + Sync + 'static,
    ) -> Proxy {
        let at_limit: Arc<dyn Fn() + Send + Sync> = Arc::new(at_limit);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let passed = Arc::new(AtomicU64::new(0));
        let count = passed.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let before = count.load(Ordering::SeqCst);
                if before >= limit && !heals {
                    continue;
                }
                let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let limit = if before >= limit { u64::MAX } else { limit };
                for (from, to) in [(&client, &upstream), (&upstream, &client)] {
                    let (from, to) = (from.try_clone(), to.try_clone());
                    let (count, at_limit) = (count.clone(), at_limit.clone());
                    std::thread::spawn(move || {
                        if let (Ok(from), Ok(to)) = (from, to) {
                            pass(from, to, &count, limit, &*at_limit);
                        }
                    });
                }
            }
        });
        Proxy { port, passed }
    }

    /// The bytes that have passed, in both directions.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }
}

/// Passes bytes on, up to the limit; the last of them are those before it.
fn pass(
    mut from: TcpStream,
    mut to: TcpStream,
    count: &AtomicU64,
    limit: u64,
    at_limit: &dyn Fn(),
) {
    let mut buffer = [0; 4096];
    let _ = from.set_nodelay(true).and_then(|()| to.set_nodelay(true));
    // A waiting connection has to notice that another one reached the limit.
    let _ = from.set_read_timeout(Some(std::time::Duration::from_millis(50)));
    loop {
        if count.load(Ordering::SeqCst) >= limit {
            break;
        }
        let read = match from.read(&mut buffer) {
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                continue;
            }
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        let before = count.fetch_add(read as u64, Ordering::SeqCst);
        if before < limit && before + read as u64 >= limit {
            at_limit();
        }
        let allowed = usize::try_from(limit.saturating_sub(before)).unwrap_or(usize::MAX).min(read);
        if to.write_all(&buffer[..allowed]).is_err() || allowed < read {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both).and_then(|()| to.shutdown(Shutdown::Both));
}
