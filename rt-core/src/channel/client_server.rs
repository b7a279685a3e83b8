//! Client/server: a request goes to the server, its reply comes back to the client that asked.
//!
//! Each client has a ring of requests to the server and a ring of replies back, both in order, and the server answers
//! each request exactly once. So replies need no number: a client that gave up on `n` calls drops the next `n` replies.
//! It may not give up on more calls than the channel holds, and so no ring is ever full.

use std::time::Duration;

use super::ends::{ReceiveEnd, SendEnd};
use super::registry::{hand_out, unsupported};
use super::{CallError, ChannelSpec, OpenError, ReceiveError, SendError, Topology, WhenFull, thread};
use crate::clock::Monotonic;

/// A client/server channel whose ends wait to be handed out.
pub struct Service<Q, R> {
    spec: ChannelSpec,
    clients: Vec<Client<Q, R>>,
    server: Vec<Server<Q, R>>,
}

/// The asking end.
pub struct Client<Q, R> {
    requests: Box<dyn SendEnd<Q>>,
    replies: Box<dyn ReceiveEnd<R>>,
    /// Calls that timed out and whose replies have not come yet.
    unanswered: usize,
    capacity: usize,
    /// How long a call waits for room; `None` where it is refused at once.
    longest_wait: Option<Duration>,
}

/// The answering end.
pub struct Server<Q, R> {
    requests: Box<dyn ReceiveEnd<Q>>,
    /// In the order of the clients that `requests` tells.
    replies: Vec<Box<dyn SendEnd<R>>>,
}

impl<Q: Send + 'static, R: Send + 'static> Service<Q, R> {
    pub(super) fn open(spec: &ChannelSpec) -> Result<Self, OpenError> {
        check(spec)?;
        let one_to_one = ChannelSpec { topology: Topology::OneToOne, ..spec.clone() };
        let (requests, servers) = thread::ends::<Q>(spec)?;
        let (mut clients, mut replies) = (Vec::new(), Vec::<Box<dyn SendEnd<R>>>::new());
        for requests in requests {
            let (tx, rx) = thread::ends::<R>(&one_to_one)?;
            replies.extend(tx.into_iter().map(|end| Box::new(end) as Box<dyn SendEnd<R>>));
            clients.extend(
                rx.into_iter()
                    .take(1)
                    .zip([requests])
                    .map(|(replies, requests)| Client::new(Box::new(requests), Box::new(replies), spec)),
            );
        }
        let server = servers.into_iter().take(1).zip([replies]);
        let server = server.map(|(requests, replies)| Server::new(Box::new(requests), replies)).collect();
        Ok(Self { spec: spec.clone(), clients, server })
    }

    /// Hands out the next client.
    ///
    /// # Errors
    /// [`OpenError::EndTaken`], where the topology has no further one.
    pub fn client(&mut self) -> Result<Client<Q, R>, OpenError> {
        hand_out(&mut self.clients, &self.spec, "client")
    }

    /// Hands out the server.
    ///
    /// # Errors
    /// [`OpenError::EndTaken`], the second time.
    pub fn server(&mut self) -> Result<Server<Q, R>, OpenError> {
        hand_out(&mut self.server, &self.spec, "server")
    }
}

/// Which client/server channels any backend serves.
pub(super) fn check(spec: &ChannelSpec) -> Result<(), OpenError> {
    let refuse = |instead| match unsupported(spec, instead) {
        OpenError::Unsupported { name, context, topology, when_full, instead, .. } => {
            Err(OpenError::Unsupported { name, context, topology, when_full, client_server: true, instead })
        }
        other => Err(other),
    };
    match (spec.topology, spec.when_full) {
        (Topology::OneToMany { .. } | Topology::ManyToMany { .. }, _) => {
            refuse("a service has one server: ask for one-to-one or many-to-one")
        }
        (_, WhenFull::EvictOldest | WhenFull::KeepLatest) => {
            refuse("every request has its reply, so none may be pushed out: reject or block")
        }
        _ => Ok(()),
    }
}

impl<Q, R> Client<Q, R> {
    pub(super) fn new(requests: Box<dyn SendEnd<Q>>, replies: Box<dyn ReceiveEnd<R>>, spec: &ChannelSpec) -> Self {
        let longest_wait = match spec.when_full {
            WhenFull::Block { at_most } => Some(at_most),
            _ => None,
        };
        Self { requests, replies, unanswered: 0, capacity: spec.capacity, longest_wait }
    }

    /// Asks, and waits for the reply until `until`.
    ///
    /// # Errors
    /// [`CallError`]: no reply in time, no server, or too many earlier calls that timed out and are still unanswered.
    pub fn call(&mut self, request: Q, until: Monotonic) -> Result<R, CallError> {
        let patience = self.longest_wait.map(|wait| Monotonic::now().plus(wait).min(until));
        self.drop_late_replies(patience)?;
        self.requests.send(request, None).map_err(|error| match error {
            SendError::Closed(_) => CallError::Gone(ReceiveError::Closed),
            SendError::PeerDied { pid, .. } => CallError::Gone(ReceiveError::PeerDied { pid }),
            SendError::Corrupt(_) => CallError::Gone(ReceiveError::Corrupt),
            SendError::Full(_) | SendError::TimedOut(_) => CallError::Full { unanswered: self.unanswered },
        })?;
        loop {
            match self.replies.receive(Some(until)) {
                Ok((_, reply)) if self.unanswered == 0 => return Ok(reply),
                Ok(_) => self.unanswered -= 1,
                Err(ReceiveError::TimedOut | ReceiveError::Empty) => {
                    self.unanswered += 1;
                    return Err(CallError::TimedOut);
                }
                Err(gone) => return Err(CallError::Gone(gone)),
            }
        }
    }

    /// Drops the replies to calls that timed out; waits for one until `patience` where the channel is full of them.
    fn drop_late_replies(&mut self, patience: Option<Monotonic>) -> Result<(), CallError> {
        while self.unanswered > 0 {
            let full = self.unanswered >= self.capacity;
            match self.replies.receive(patience.filter(|_| full)) {
                Ok(_) => self.unanswered -= 1,
                Err(ReceiveError::Empty | ReceiveError::TimedOut) if full => {
                    return Err(CallError::Full { unanswered: self.unanswered });
                }
                Err(ReceiveError::Empty | ReceiveError::TimedOut) => break,
                Err(gone) => return Err(CallError::Gone(gone)),
            }
        }
        Ok(())
    }
}

impl<Q, R> Server<Q, R> {
    pub(super) fn new(requests: Box<dyn ReceiveEnd<Q>>, replies: Vec<Box<dyn SendEnd<R>>>) -> Self {
        Self { requests, replies }
    }

    /// Waits for one request until `until` and answers it.
    ///
    /// # Errors
    /// [`ReceiveError::TimedOut`], or [`ReceiveError::Closed`] (between processes also [`ReceiveError::PeerDied`]) once
    /// every client is gone and answered.
    pub fn serve_until(&mut self, until: Monotonic, answer: impl FnOnce(Q) -> R) -> Result<(), ReceiveError> {
        let (client, request) = self.requests.receive(Some(until))?;
        let reply = answer(request);
        if let Some(replies) = self.replies.get_mut(client) {
            // A client that has gone wants no reply, and there is always room (see the module's text).
            let _ = replies.send(reply, None);
        }
        Ok(())
    }
}
