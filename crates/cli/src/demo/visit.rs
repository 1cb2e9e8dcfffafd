//! Visits: one person sees one ad, and what follows. A pure function of seed, minute, advertiser and number.

use adtally_core::time::{EventTime, HOUR_MS, MINUTE_MS, SECOND_MS};

use super::dice::Dice;
use super::platform::{ADVERTISERS, Advertiser, CampaignPlan, SERVICES};
use crate::outgoing::OutgoingEvent;

/// No event of a visit arrives later than this after the visit's minute began.
pub(crate) const LONGEST_VISIT_MS: i64 = 10 * HOUR_MS;

/// People per advertiser: few enough that they come back, many enough that reach grows through a day.
const PEOPLE: i64 = 6_000;

/// Shares of all visits or events, in percent.
const BOT_VISITS: f64 = 2.5;
const WALK_IN_BUYERS: f64 = 0.25;
const VIEWABLE: f64 = 62.0;
const LATE_EVENTS: f64 = 0.7;
const DELIVERED_TWICE: f64 = 0.8;
/// Shares of clicks.
const DOUBLE_CLICKS: f64 = 6.0;
const CLICKS_BY_USER_ONLY: f64 = 15.0;
const STRAY_CLICKS: f64 = 2.0;
/// Share of views without a click that still bring a conversion.
const VIEW_THROUGH: f64 = 0.4;

/// Device, operating system, browser and weight.
const DEVICES: [(&str, &str, &str, u32); 6] = [
    ("mobile", "Android", "Chrome", 38),
    ("mobile", "iOS", "Safari", 29),
    ("desktop", "Windows", "Chrome", 15),
    ("desktop", "Windows", "Edge", 6),
    ("desktop", "macOS", "Safari", 7),
    ("tablet", "iPadOS", "Safari", 5),
];

const BOTS: [&str; 4] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/119.0.0.0 Safari/537.36",
    "python-requests/2.31.0",
];

/// An event and when it reaches the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) at: EventTime,
    pub(crate) event: OutgoingEvent,
}

/// Which visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VisitName {
    pub(crate) seed: u64,
    /// Since 1970.
    pub(crate) minute: i64,
    /// Index in [`ADVERTISERS`].
    pub(crate) advertiser: usize,
    /// Counted from 0 within minute and advertiser.
    pub(crate) number: u32,
}

impl VisitName {
    /// What the ids of the visit's events have in common.
    pub(crate) fn id(&self) -> String {
        format!("{}-{}-{}", self.minute, self.advertiser, self.number)
    }
}

/// Whether chance may keep a visit's impression away: the one that the demo looks for to learn how far it came must
/// be there, and in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it comes.
    Usual,
    /// An impression that arrives at once.
    Punctual,
}

/// All events of a visit, each with its arrival; what is delivered twice is there twice.
pub(crate) fn arrivals(name: VisitName, manner: Manner) -> Vec<Arrival> {
    let minute = u64::try_from(name.minute).unwrap_or_default();
    let mut dice = Dice::of(&[name.seed, minute, name.advertiser as u64, u64::from(name.number)]);
    let advertiser = &ADVERTISERS[name.advertiser];
    let mut events = if manner == Manner::Usual && dice.percent(WALK_IN_BUYERS) {
        vec![walk_in(name, advertiser, &mut dice)]
    } else {
        visit(name, advertiser, &mut dice)
    };
    let mut arrivals = Vec::new();
    for event in events.drain(..) {
        let Some(at) = event.at else { continue };
        let punctual = manner == Manner::Punctual && event.kind == "impression";
        let late = !punctual && dice.percent(LATE_EVENTS);
        let delay = if late { dice.between(65 * MINUTE_MS, 170 * MINUTE_MS) } else { 0 };
        if dice.percent(DELIVERED_TWICE) {
            let again = delay + dice.between(SECOND_MS, 2 * MINUTE_MS);
            arrivals.push(Arrival { at: EventTime(at.0 + again), event: event.clone() });
        }
        arrivals.push(Arrival { at: EventTime(at.0 + delay), event });
    }
    arrivals
}

fn visit(name: VisitName, advertiser: &Advertiser, dice: &mut Dice) -> Vec<OutgoingEvent> {
    let campaign = dice.pick(advertiser.campaigns, |campaign| campaign.weight);
    let impression = impression(name, advertiser, campaign, dice);
    if dice.percent(BOT_VISITS) {
        return bot_visit(impression, dice);
    }
    let mut events = vec![impression.clone()];
    if dice.percent(VIEWABLE) {
        events.push(reaction(&impression, "view", dice.between(SECOND_MS, 8 * SECOND_MS)));
    }
    if dice.percent(campaign.click_percent) {
        events.extend(clicks(&impression, dice));
        if let Some(click) = events.last().filter(|_| dice.percent(campaign.convert_percent)) {
            let delay = dice.skewed(20 * SECOND_MS, 5 * HOUR_MS);
            let by_user = dice.percent(50.0);
            let mut conversion = conversion(click, advertiser, delay, dice);
            if !by_user {
                conversion.click.clone_from(&click.id);
            }
            events.push(conversion);
        }
    } else if dice.percent(VIEW_THROUGH) {
        let delay = dice.between(10 * MINUTE_MS, 4 * HOUR_MS);
        events.push(conversion(&impression, advertiser, delay, dice));
    }
    events
}

fn impression(
    name: VisitName,
    advertiser: &Advertiser,
    campaign: &CampaignPlan,
    dice: &mut Dice,
) -> OutgoingEvent {
    let service = dice.pick(&SERVICES, |service| service.weight);
    let (placement, _, _) = dice.pick(service.placements, |placement| placement.2);
    // The first of an advertiser's ads is shown most.
    let last_ad = campaign.ads.len().saturating_sub(1);
    let ad = (dice.skewed(0, campaign.ads.len() as i64) as usize).min(last_ad);
    let person = dice.skewed(0, PEOPLE);
    let mut event = OutgoingEvent {
        kind: "impression".to_owned(),
        id: format!("i{}", name.id()),
        at: Some(EventTime(name.minute * MINUTE_MS + dice.between(0, MINUTE_MS))),
        advertiser: advertiser.key.to_owned(),
        campaign: campaign.key.to_owned(),
        ad: campaign.ad_key(ad),
        service: service.key.to_owned(),
        placement: (*placement).to_owned(),
        user: format!("p{}-{person}", name.advertiser),
        ..OutgoingEvent::default()
    };
    // Where a person lives and what they hold stays the same from visit to visit.
    let mut nature = Dice::of(&[name.seed, name.advertiser as u64, person as u64]);
    event.country = nature.pick(advertiser.countries, |country| country.1).0.to_owned();
    let (device, os, browser, _) = nature.pick(&DEVICES, |device| device.3);
    event.device = (*device).to_owned();
    event.os = (*os).to_owned();
    event.browser = (*browser).to_owned();
    event
}

/// A view or click of the same person and ad.
fn reaction(impression: &OutgoingEvent, kind: &str, delay_ms: i64) -> OutgoingEvent {
    let mut event = impression.clone();
    event.kind = kind.to_owned();
    event.id.replace_range(..1, &kind[..1]);
    event.at = impression.at.map(|at| EventTime(at.0 + delay_ms));
    event.impression.clone_from(&impression.id);
    event
}

/// A click, perhaps twice in a hurry; the one that counts comes last.
fn clicks(impression: &OutgoingEvent, dice: &mut Dice) -> Vec<OutgoingEvent> {
    let mut click = reaction(impression, "click", dice.between(3 * SECOND_MS, 90 * SECOND_MS));
    if dice.percent(CLICKS_BY_USER_ONLY) {
        click.impression.clear();
    } else if dice.percent(STRAY_CLICKS) {
        // Its impression got lost on the way: it waits for a parent that never comes.
        click.impression.insert_str(0, "lost-");
    } else {
        // What a click leaves out it inherits from its impression.
        click.campaign.clear();
        click.placement.clear();
    }
    let mut clicks = Vec::new();
    if dice.percent(DOUBLE_CLICKS) {
        let mut hasty = click.clone();
        hasty.id.push_str("-again");
        hasty.at = click.at.map(|at| EventTime(at.0 + dice.between(200, 1_800)));
        clicks.push(hasty);
    }
    clicks.push(click);
    clicks
}

/// A conversion of the same person: campaign, ad and place come from the touch it is attributed to.
fn conversion(
    touch: &OutgoingEvent,
    advertiser: &Advertiser,
    delay_ms: i64,
    dice: &mut Dice,
) -> OutgoingEvent {
    let (label, _, low, high) = dice.pick(advertiser.goals, |goal| goal.1);
    let mut id = touch.id.clone();
    id.replace_range(..1, "k");
    OutgoingEvent {
        kind: "conversion".to_owned(),
        id,
        at: touch.at.map(|at| EventTime(at.0 + delay_ms)),
        advertiser: touch.advertiser.clone(),
        user: touch.user.clone(),
        label: (*label).to_owned(),
        value_micros: (*high > 0).then(|| dice.skewed(*low, *high) * 1_000_000),
        ..OutgoingEvent::default()
    }
}

/// Someone who never saw an ad.
fn walk_in(name: VisitName, advertiser: &Advertiser, dice: &mut Dice) -> OutgoingEvent {
    let person = OutgoingEvent {
        id: format!("w{}", name.id()),
        at: Some(EventTime(name.minute * MINUTE_MS + dice.between(0, MINUTE_MS))),
        advertiser: advertiser.key.to_owned(),
        user: format!("w{}", name.id()),
        ..OutgoingEvent::default()
    };
    let mut event = conversion(&person, advertiser, 0, dice);
    event.country = dice.pick(advertiser.countries, |country| country.1).0.to_owned();
    event
}

fn bot_visit(mut impression: OutgoingEvent, dice: &mut Dice) -> Vec<OutgoingEvent> {
    impression.user_agent = (*dice.pick(&BOTS, |_| 1)).to_owned();
    impression.user.insert_str(0, "bot-");
    let click = dice.percent(30.0).then(|| reaction(&impression, "click", dice.between(300, 2 * SECOND_MS)));
    [impression].into_iter().chain(click).collect()
}
