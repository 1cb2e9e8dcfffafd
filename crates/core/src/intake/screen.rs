//! Invalid traffic that arrival alone betrays.

use crate::event::Screening;

/// Lower-case fragments of the user agents of robots, one a line; `#` begins a comment.
///
/// The fragments name the families of the IAB Tech Lab's "spiders and bots" guidance: self-declared crawlers,
/// link previews, monitors, HTTP libraries and headless browsers.
const BOTS: &str = include_str!("bots.txt");

/// The verdict on the user agent of the person who saw the ad.
pub(super) fn screen(user_agent: Option<&str>) -> Screening {
    let Some(user_agent) = user_agent else { return Screening::Clean };
    let user_agent = user_agent.to_ascii_lowercase();
    if fragments().any(|fragment| user_agent.contains(fragment)) { Screening::Bot } else { Screening::Clean }
}

fn fragments() -> impl Iterator<Item = &'static str> {
    BOTS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robots_and_people() {
        fn check(user_agent: &str, expected: Screening) {
            assert_eq!(screen(Some(user_agent)), expected, "{user_agent}");
        }
        check("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Screening::Bot);
        check("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0 Safari/537.36", Screening::Bot);
        check("curl/8.5.0", Screening::Bot);
        check("python-requests/2.31", Screening::Bot);
        check("facebookexternalhit/1.1", Screening::Bot);
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
            Screening::Clean,
        );
        check(
            "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 Chrome/99 Mobile Safari/537.36",
            Screening::Clean,
        );
        check("", Screening::Clean);
        assert_eq!(screen(None), Screening::Clean);
    }
}
