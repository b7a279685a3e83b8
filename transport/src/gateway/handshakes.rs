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
    use s2n_quic_core::connection::PeerId;

    use super::*;

    const TOKEN_BYTES: usize = <<Tokens as Provider>::Format as Format>::TOKEN_LEN;

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

    /// Never the same twice: a token counts once.
    struct Counting(u8);

    impl s2n_quic_core::random::Generator for Counting {
        fn public_random_fill(&mut self, bytes: &mut [u8]) {
            self.0 += 1;
            bytes.fill(self.0);
        }

        fn private_random_fill(&mut self, bytes: &mut [u8]) {
            self.public_random_fill(bytes);
        }
    }

    #[test]
    fn a_proved_address_is_let_in_while_there_is_room_and_again_once_there_is() {
        let under_way = UnderWay::default();
        let mut door = Door { under_way: under_way.clone(), most: 2 }.start().unwrap();
        let address = std::net::SocketAddr::from(([192, 0, 2, 1], 4_433)).into();
        let peer = PeerId::try_from_bytes(&[7; 8]).unwrap();
        let id = InitialId::try_from_bytes(&[9; 8]).unwrap();
        let mut random = Counting(0);
        let mut knock = || {
            let mut token = [0; TOKEN_BYTES];
            door.generate_retry_token(&mut Context::new(&address, &peer, &mut random), &id, &mut token).unwrap();
            door.validate_token(&mut Context::new(&address, &peer, &mut random), &token)
        };
        assert_eq!(knock(), Some(id), "nobody is at it");
        let (_first, second) = (under_way.begin(), under_way.begin());
        assert_eq!(knock(), None, "two are, and two is the most");
        drop(second);
        assert_eq!(knock(), Some(id), "one is over");
    }
}
