// Traffic in which everything happens that the linking rules know, in no order, and a naive count of it.

const START = Date.UTC(2026, 2, 1, 10);
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

/** The default settings. */
const WINDOW = { click: DAY, conversionClick: 30 * DAY, conversionView: DAY, repeatClick: 2 * SECOND, skew: 600 * SECOND };

/** What a report is asked for. */
export const METRICS = [
  "impressions",
  "views",
  "clicks",
  "linked_clicks",
  "conversions",
  "view_through",
  "unattributed",
  "cost_micros",
  "value_micros",
  "invalid_impressions",
  "invalid_clicks",
  "invalid_conversions",
];

/** All events lie in this range. */
export const RANGE = { from: "2026-03-01", to: "2026-03-12" };

const BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/** Numbers from 0 up to 1, the same for the same seed. */
function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** So many events of these advertisers, in the order in which they are sent: near their time, some far from it. */
export function crowd(count, advertisers, seed, days = 3) {
  const roll = dice(seed);
  const below = (end) => Math.floor(roll() * end);
  const users = Math.ceil(count / 8);
  const events = [];
  const add = (event) => {
    events.push({ cost_micros: 1 + below(1_000_000), ...event, ...(roll() < 0.01 ? { user_agent: BOT } : {}) });
    return events.at(-1);
  };
  for (let visit = 0; events.length < count; visit++) {
    const advertiser = advertisers[visit % advertisers.length];
    const user = roll() < 0.02 ? undefined : `u${below(users)}`;
    const at = START + below(days * DAY);
    const ad = below(40);
    const dims = { campaign: `c${ad % 7}`, ad: `a${ad}`, service: `s${below(4)}` };
    const base = { advertiser, user };
    const impression = add({ ...base, ...dims, id: `i${visit}`, kind: "impression", at });
    if (roll() < 0.2) add({ ...base, id: `w${visit}`, kind: "view", at: at + SECOND, impression: impression.id });
    if (roll() < 0.5) continue;
    const isNamed = user === undefined || roll() < 0.7;
    const clicked = at + (roll() < 0.03 ? 2 * DAY : 1 + below(100 * SECOND));
    const parent = isNamed ? { impression: user && roll() < 0.02 ? "nobody" : impression.id } : dims;
    const click = add({ ...base, ...parent, id: `k${visit}`, kind: "click", at: clicked });
    if (roll() < 0.2) add({ ...click, id: `k${visit}-2`, at: clicked + below(4 * SECOND) });
    if (roll() < 0.5) continue;
    // Without a user only the impression at the root of the chain leads an event to the shard of its parents.
    const named = [{ click: click.id, impression: impression.id }, { impression: impression.id }];
    const touch = [...named, { click: click.id }, { campaign: dims.campaign }, {}][below(user ? 5 : 2)];
    const value_micros = 1 + below(1_000_000_000);
    add({ ...base, ...touch, id: `v${visit}`, kind: "conversion", at: at + below(2 * DAY), label: "purchase", value_micros });
  }
  // In order of sending: most within minutes of each other, some hours away.
  const sendAt = events.map((event) => event.at + (roll() < 0.1 ? (roll() - 0.5) * DAY : (roll() - 0.5) * HOUR));
  const order = events.map((_, index) => index).sort((a, b) => sendAt[a] - sendAt[b]);
  return order.slice(0, count).map((index) => events[index]);
}

const byPlace = (a, b) => a.at - b.at || (a.id < b.id ? -1 : Number(a.id > b.id));

/** Sorts everything and scans: the totals by advertiser and campaign, or by what else a key is made of. */
export function recount(events, keyOf = ({ advertiser, campaign }) => `${advertiser} ${campaign}`) {
  const totals = new Map();
  for (const advertiser of new Set(events.map((event) => event.advertiser))) {
    const own = events.filter((event) => event.advertiser === advertiser).sort(byPlace);
    for (const { campaign, at, counts } of facts(own)) {
      const key = keyOf({ advertiser, campaign, day: new Date(at).toISOString().slice(0, 10) });
      const sums = totals.get(key) ?? Object.fromEntries(METRICS.map((metric) => [metric, 0]));
      for (const [metric, count] of Object.entries(counts)) sums[metric] += count;
      totals.set(key, sums);
    }
  }
  return totals;
}

/** What each event of an advertiser counts as; `events` are in place order. */
function* facts(events) {
  const invalid = verdicts(events);
  const valid = (event) => event !== undefined && !invalid.has(event);
  const named = new Map(events.map((event) => [`${event.kind} ${event.id}`, event]));
  const ofUser = grouped(events.filter((event) => event.user && valid(event)), (event) => `${event.kind} ${event.user}`);
  const parents = new Map();
  const campaignOf = (event) => event.campaign ?? (parents.has(event) ? campaignOf(parents.get(event)) : "");

  const explicit = (event, kind, window) => {
    const parent = named.get(`${kind} ${event[kind]}`);
    const age = parent && event.at - parent.at;
    return valid(parent) && age >= -WINDOW.skew && age <= window ? parent : undefined;
  };
  const latest = (event, kind, window, fits) => {
    const touches = ofUser.get(`${kind} ${event.user}`) ?? [];
    return touches.findLast((touch) => touch.at <= event.at && event.at - touch.at <= window && fits(touch));
  };
  const touchOf = (event) => {
    if (event.click) return explicit(event, "click", WINDOW.conversionClick);
    if (event.impression) return explicit(event, "impression", WINDOW.conversionView);
    if (!event.user) return undefined;
    const fits = (touch) => !event.campaign || campaignOf(touch) === event.campaign;
    return latest(event, "click", WINDOW.conversionClick, fits) ?? latest(event, "impression", WINDOW.conversionView, fits);
  };
  const impressionOf = (event) => {
    if (event.impression) return explicit(event, "impression", WINDOW.click);
    return event.user && latest(event, "impression", WINDOW.click, (touch) => touch.ad === event.ad);
  };

  for (const [kinds, parentOf] of [[["view", "click"], impressionOf], [["conversion"], touchOf]]) {
    for (const event of events.filter((event) => kinds.includes(event.kind) && valid(event))) {
      const parent = parentOf(event);
      if (parent) parents.set(event, parent);
    }
  }
  for (const event of events) {
    const { kind } = event;
    const parent = parents.get(event);
    // A conversion takes its campaign from its touch, whatever it says itself.
    const campaign = kind === "conversion" && parent ? campaignOf(parent) : campaignOf(event);
    const counts = valid(event) ? counted(event, parent) : { [`invalid_${kind}s`]: 1 };
    yield { campaign, at: event.at, counts: kind === "view" && !valid(event) ? {} : counts };
  }
}

function counted(event, parent) {
  const sums = { [`${event.kind}s`]: 1, cost_micros: event.cost_micros, value_micros: event.value_micros ?? 0 };
  if (event.kind === "click") sums.linked_clicks = Number(parent !== undefined);
  if (event.kind === "conversion") sums.unattributed = Number(parent === undefined);
  if (event.kind === "conversion") sums.view_through = Number(parent?.kind === "impression");
  return sums;
}

/** Bots, and clicks that follow another of the same user and ad, or parent, too soon. */
function verdicts(events) {
  const invalid = new Set(events.filter((event) => event.user_agent));
  const clicks = events.filter((event) => event.kind === "click" && event.user);
  for (const lane of grouped(clicks, (event) => `${event.user} ${event.ad ?? `of ${event.impression}`}`).values()) {
    for (let i = 1; i < lane.length; i++) if (lane[i].at - lane[i - 1].at <= WINDOW.repeatClick) invalid.add(lane[i]);
  }
  return invalid;
}

function grouped(events, keyOf) {
  const groups = new Map();
  for (const event of events) {
    const key = keyOf(event);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(event);
  }
  return groups;
}
