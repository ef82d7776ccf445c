//! Reproducible random numbers: the same seed number gives the same numbers on every machine and with every version of
//! the libraries. Hence PCG, whose stream is fixed, and ranges of our own, because a library may change how it maps a
//! random number to a range.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng as _, SeedableRng as _};
use uuid::Uuid;

/// A source of random numbers for one purpose.
pub struct SeedRng(Pcg64);

impl SeedRng {
    /// Each purpose has a stream of its own, so that a change in how courses are generated leaves the users unchanged.
    pub fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a, to derive a stream from the purpose.
        let stream = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));

        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&stream.to_le_bytes());
        key[16..24].copy_from_slice(&stream.rotate_left(32).to_le_bytes());
        let mut rng = Self(Pcg64::from_seed(key));
        // Adjacent seed numbers begin with similar values, which these rounds remove.
        for _ in 0..16 {
            rng.bits();
        }
        rng
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A uniform number from 0 to `limit - 1`.
    pub fn below(&mut self, limit: usize) -> usize {
        let scaled = (u128::from(self.bits()) * limit as u128) >> 64;
        usize::try_from(scaled).expect("is below the limit, which is a usize")
    }

    /// A number below `limit`, skewed to small ones: a few are popular, most are not.
    pub fn below_by_popularity(&mut self, limit: usize) -> usize {
        let among = self.below(limit) + 1;
        let among = self.below(among) + 1;
        self.below(among)
    }

    /// A time from `first` to `end`, exclusively.
    pub fn time_between(&mut self, first: i64, end: i64) -> i64 {
        let span = usize::try_from(end - first).expect("the end is after the first");
        first + i64::try_from(self.below(span)).expect("is below the span, which is an i64")
    }

    /// `true` with a probability of `percent` in 100.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A uniform choice.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Shuffles items.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for unplaced in (1..items.len()).rev() {
            let chosen = self.below(unplaced + 1);
            items.swap(unplaced, chosen);
        }
    }

    /// `count` values in random order, of which exactly `yes` are true.
    pub fn exactly(&mut self, yes: usize, count: usize) -> Vec<bool> {
        let mut answers = vec![false; count];
        answers[..yes].fill(true);
        self.shuffle(&mut answers);
        answers
    }

    /// A `UUIDv7` of this millisecond.
    pub fn id_at(&mut self, created: i64) -> Uuid {
        let millisecond = u64::try_from(created).expect("all our times are after 1970");
        let mut random = [0; 10];
        self.0.fill_bytes(&mut random);
        uuid::Builder::from_unix_timestamp_millis(millisecond, &random).into_uuid()
    }
}

/// Wording as one number, which always gives the same text when a row is written.
pub struct Wording(pub u64);

impl Wording {
    /// The next choice among several.
    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        let among = from.len() as u64;
        let chosen = usize::try_from(self.0 % among).expect("is below a length");
        self.0 /= among;
        from[chosen]
    }
}
