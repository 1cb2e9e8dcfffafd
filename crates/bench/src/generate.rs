//! Traffic without other programs: skewed as real traffic is, the same for the same number.

use std::collections::VecDeque;

use crate::record::{CellRecord, EventRecord, Names};

const START_MS: i64 = 1_760_054_400_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Fifty countries, those first that the queries ask for.
const COUNTRIES: &str = "US GB DE KR JP FR IT ES NL BE AT CH SE NO DK FI PL CZ HU RO BG GR PT IE TR IL SA AE EG ZA NG \
                         KE IN ID TH VN MY SG PH TW HK AU NZ CA MX BR AR CL CO PE";
const DAYS: i64 = 3;
const CAMPAIGNS: u64 = 1_000;
const CAMPAIGN_ADS: u64 = 7;

/// The names of both kinds of records.
pub fn names() -> Names {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let numbered = |prefix: &str, count: usize| (0..count).map(|n| format!("{prefix}_{n}")).collect();
    Names {
        services: owned(&["web", "ios_app", "android_app", "search", "mail", "news", "video", "partner_net"]),
        placements: numbered("placement", 40),
        countries: COUNTRIES.split(' ').map(str::to_owned).collect(),
        devices: owned(&["mobile", "desktop", "tablet", "ctv"]),
    }
}

/// SplitMix64: small, fast, and good enough for traffic.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    fn per_mille(&mut self, chance: u64) -> bool {
        self.below(1_000) < chance
    }

    /// Small numbers far more often than large ones: the product of two even choices.
    fn skewed(&mut self, end: u64) -> u64 {
        self.below(end) * self.below(end) / end
    }
}

/// Impressions with 1.5 % clicks, of which 4 % convert; 1 % duplicates, 5 % late; in order of arrival.
pub struct Events {
    dice: Dice,
    left: u64,
    users: u64,
    step_ms: u64,
    clock_ms: i64,
    /// What arrives later, each after this many more impressions.
    later: VecDeque<(u64, EventRecord)>,
    count: u64,
}

impl Events {
    /// At least `impressions` events.
    pub fn new(impressions: u64) -> Self {
        Self {
            dice: Dice(1),
            left: impressions,
            users: (impressions / 5).max(1_000),
            step_ms: (DAYS * DAY_MS).unsigned_abs() / impressions.max(1),
            clock_ms: START_MS,
            later: VecDeque::new(),
            count: 0,
        }
    }

    fn impression(&mut self) -> EventRecord {
        let dice = &mut self.dice;
        let late_ms = if dice.per_mille(50) { dice.below(12 * 3_600_000) / 8 } else { dice.below(800) };
        let campaign = dice.skewed(CAMPAIGNS);
        let at = (self.clock_ms - late_ms.cast_signed()).max(START_MS);
        let user = dice.skewed(self.users) + 1;
        let small = |n: u64| u8::try_from(n).unwrap_or(0);
        EventRecord {
            id: dice.roll() >> 1 | 1,
            user: user.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            at,
            received: self.clock_ms,
            cost: 300 + dice.below(5_700).cast_signed(),
            campaign: (1_000 + campaign) as u32,
            ad: (50_000 + campaign * CAMPAIGN_ADS + dice.skewed(CAMPAIGN_ADS)) as u32,
            service: small(campaign % 8),
            placement: small((campaign + dice.below(3) * 11) % 40),
            country: small((campaign * 7 + dice.skewed(3)) % 50),
            device: small(user % 4),
            ..EventRecord::default()
        }
    }

    fn click(&mut self, of: &EventRecord) -> EventRecord {
        let named = self.dice.per_mille(850);
        EventRecord {
            id: self.dice.roll() >> 1 | 1,
            kind: 1,
            at: of.at + 300 + self.dice.skewed(60_000).cast_signed(),
            impression: if named { of.id } else { 0 },
            cost: 0,
            ..*of
        }
    }

    fn conversion(&mut self, of: &EventRecord) -> EventRecord {
        let named = self.dice.per_mille(750);
        EventRecord {
            id: self.dice.roll() >> 1 | 1,
            kind: 2,
            at: of.at + 5_000 + self.dice.skewed(8 * 3_600_000).cast_signed(),
            impression: 0,
            click: if named { of.id } else { 0 },
            value: 2_000_000 + self.dice.below(58_000_000).cast_signed(),
            ..*of
        }
    }

    /// Sends the event when it has happened.
    fn wait(&mut self, event: EventRecord) {
        let delay = (event.at - self.clock_ms).max(0).unsigned_abs() / self.step_ms.max(1);
        self.send_after(delay, event);
    }

    fn send_after(&mut self, impressions: u64, event: EventRecord) {
        let due = self.count + impressions;
        let place = self.later.partition_point(|(other, _)| *other <= due);
        self.later.insert(place, (due, event));
    }
}

impl Iterator for Events {
    type Item = EventRecord;

    fn next(&mut self) -> Option<EventRecord> {
        if self.later.front().is_some_and(|(due, _)| *due < self.count || self.left == 0) {
            let (_, event) = self.later.pop_front()?;
            self.clock_ms = self.clock_ms.max(event.at);
            return Some(EventRecord { received: self.clock_ms, ..event });
        }
        self.left = self.left.checked_sub(1)?;
        self.count += 1;
        self.clock_ms += self.step_ms.cast_signed();
        let impression = self.impression();
        if self.dice.per_mille(10) {
            self.send_after(100, impression);
        }
        if self.dice.per_mille(15) {
            let click = self.click(&impression);
            self.wait(click);
            if self.dice.per_mille(40) {
                let conversion = self.conversion(&click);
                self.wait(conversion);
            }
        }
        Some(impression)
    }
}

/// A cube of `cells` different cells over seven days, in order of hours.
pub fn cube(cells: u64) -> impl Iterator<Item = CellRecord> {
    const HOURS: u64 = 168;
    let mut dice = Dice(7);
    let first_hour = START_MS / HOUR_MS;
    (0..cells).map(move |n| {
        // Campaigns come in order within an hour, each with a placement and a country of its own kind.
        let (hour, within) = (n * HOURS / cells, n % cells.div_ceil(HOURS));
        let campaign = within * CAMPAIGNS / cells.div_ceil(HOURS);
        let impressions = 1 + dice.skewed(100);
        let clicks = dice.below(impressions) / 30;
        CellRecord {
            impressions: impressions.cast_signed(),
            clicks: clicks.cast_signed(),
            conversions: (clicks / 10).cast_signed(),
            cost: (impressions * (300 + dice.below(5_700))).cast_signed(),
            value: (clicks / 10 * 2_000_000).cast_signed(),
            hour: (first_hour + hour.cast_signed()) as i32,
            campaign: (1_000 + campaign) as u32,
            ad: (50_000 + campaign * CAMPAIGN_ADS + within % CAMPAIGN_ADS) as u32,
            service: (campaign % 8) as u8,
            placement: (within / CAMPAIGN_ADS % 40) as u8,
            country: ((campaign * 7 + dice.below(3)) % 50) as u8,
            device: dice.skewed(4) as u8,
        }
    })
}
