// Where hours, days, weeks and months begin in a time zone: an independent second opinion by `Intl`.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map();

/** The wall clock of the zone, as if it were UTC. */
function wallClock(ms, tz) {
  if (!formats.has(tz)) {
    const parts = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
    formats.set(tz, new Intl.DateTimeFormat("en-US", { timeZone: tz, hourCycle: "h23", ...parts }));
  }
  const part = Object.fromEntries(formats.get(tz).formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
}

function floorWall(wall, unit) {
  const date = new Date(wall);
  const day = Math.floor(wall / DAY) * DAY;
  switch (unit) {
    case "hour":
      return Math.floor(wall / HOUR) * HOUR;
    case "day":
      return day;
    case "week":
      return day - ((date.getUTCDay() + 6) % 7) * DAY;
    case "month":
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  }
  throw new Error(`unknown unit ${unit}`);
}

/** The instant at which the bucket of `ms` begins in `tz`. */
export function bucketStart(ms, unit, tz) {
  const wall = floorWall(wallClock(ms, tz), unit);
  // Offsets are multiples of 15 minutes and at most 14 hours; of two instants with this wall clock the latest not after `ms`.
  for (let instant = Math.min(ms, wall + 14 * HOUR); instant >= wall - 14 * HOUR; instant -= 15 * MINUTE) {
    if (wallClock(instant, tz) === wall) return instant;
  }
  throw new Error(`${unit} of ${ms} has no beginning in ${tz}`);
}
