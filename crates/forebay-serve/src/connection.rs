//! Connections: how many, and for how long.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

use crate::limits::Limits;

/// Accepts connections until the server stops.
pub(crate) struct Acceptor {
    pub(crate) limits: Limits,
    pub(crate) site: Router,
    /// The answer to connections beyond the limit.
    pub(crate) full: Router,
    /// Changes or closes when the server stops.
    pub(crate) stop: watch::Receiver<()>,
}

impl Acceptor {
    /// Serves until the stop; then requests in progress have a moment left.
    pub(crate) async fn serve(mut self, listener: TcpListener) {
        let connections = self.limits.connections.min(Semaphore::MAX_PERMITS);
        let served = Arc::new(Semaphore::new(connections));
        let turned_away = Arc::new(Semaphore::new(Limits::TURNED_AWAY));
        let mut open = JoinSet::new();
        let mut stop = self.stop.clone();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.changed() => break,
            };
            while open.try_join_next().is_some() {}
            match accepted {
                Ok((stream, _)) => self.admit(stream, &served, &turned_away, &mut open),
                Err(error) => rest_after(&error).await,
            }
        }
        drop(listener);
        let all_closed = async { while open.join_next().await.is_some() {} };
        // Connections that are still open afterwards are cut when the set is dropped.
        let _ = timeout(Limits::GRACE, all_closed).await;
    }

    fn admit(
        &mut self,
        stream: TcpStream,
        served: &Arc<Semaphore>,
        turned_away: &Arc<Semaphore>,
        open: &mut JoinSet<()>,
    ) {
        let (permit, router) = match Arc::clone(served).try_acquire_owned() {
            Ok(permit) => (permit, &self.site),
            Err(_) => match Arc::clone(turned_away).try_acquire_owned() {
                Ok(permit) => (permit, &self.full),
                Err(_) => return,
            },
        };
        let (router, stop, limits) = (router.clone(), self.stop.clone(), self.limits);
        open.spawn(converse(stream, router, stop, limits, permit));
    }
}

/// Errors from too many open files pass when some are closed; retrying at once would not help.
async fn rest_after(error: &io::Error) {
    if !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    ) {
        sleep(Duration::from_millis(100)).await;
    }
}

/// Answers the requests of one connection.
async fn converse(
    stream: TcpStream,
    router: Router,
    mut stop: watch::Receiver<()>,
    limits: Limits,
    _permit: OwnedSemaphorePermit,
) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.patience));
    let stream = TokioIo::new(Box::pin(stream));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.patience)
        .max_buf_size(Limits::HEAD_BYTES)
        // A client may end what it sends and still read its answer.
        .half_close(true)
        .serve_connection(stream, TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // An error of a connection concerns only its client.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.changed() => {}
        () = sleep(Limits::CONNECTION_LIFE) => {
            // The question of the moment may still be answered.
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                _ = connection.as_mut() => return,
                _ = stop.changed() => {}
                () = sleep(limits.patience + Limits::GRACE) => return,
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(Limits::GRACE, connection).await;
}
