//! How many handshakes may be under way: whoever has proved its address (Retry) is let in beyond the first limit, but
//! not without end.
//!
//! The stack asks its own limits only about clients that bring no token, so the second limit stands where tokens are
//! checked: one that comes while there are too many is taken for none, and its client tries again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use s2n_quic::provider::address_token::{Context, Default as Tokens, Format, Provider};
use s2n_quic::provider::connection_id::LocalId;
use s2n_quic_core::connection::InitialId;

/// The handshakes under way.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    /// One has begun; it is over when this is dropped.
    pub(super) fn begin(&self) -> Handshake {
        self.0.fetch_add(1, Ordering::Relaxed);
        Handshake(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One that is under way.
#[derive(Debug)]
pub(super) struct Handshake(UnderWay);

impl Drop for Handshake {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The stack's own tokens, taken while there is room.
pub(super) struct Door {
    pub(super) under_way: UnderWay,
    pub(super) most: usize,
}

/// The same, at work.
pub(super) struct Doorkeeper<F> {
    tokens: F,
    under_way: UnderWay,
    most: usize,
}

impl Provider for Door {
    type Format = Doorkeeper<<Tokens as Provider>::Format>;
    type Error = <Tokens as Provider>::Error;

    fn start(self) -> Result<Self::Format, Self::Error> {
        let Self { under_way, most } = self;
        Ok(Doorkeeper { tokens: Tokens::default().start()?, under_way, most })
    }
}

impl<F: Format> Format for Doorkeeper<F> {
    const TOKEN_LEN: usize = F::TOKEN_LEN;

    fn generate_new_token(&mut self, context: &mut Context<'_>, id: &LocalId, buffer: &mut [u8]) -> Option<()> {
        self.tokens.generate_new_token(context, id, buffer)
    }

    fn generate_retry_token(&mut self, context: &mut Context<'_>, id: &InitialId, buffer: &mut [u8]) -> Option<()> {
        self.tokens.generate_retry_token(context, id, buffer)
    }

    fn validate_token(&mut self, context: &mut Context<'_>, token: &[u8]) -> Option<InitialId> {
        if self.under_way.count() >= self.most {
            return None;
        }
        self.tokens.validate_token(context, token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_counts_until_it_is_over() {
        let under_way = UnderWay::default();
        let first = under_way.begin();
        let second = under_way.begin();
        assert_eq!(under_way.count(), 2);
        drop(first);
        drop(second);
        assert_eq!(under_way.count(), 0);
    }
}
