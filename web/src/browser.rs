//! What this browser remembers: the language and the appearance. Never a token.

use leptos::prelude::*;

use crate::lang::Lang;
use crate::phrase::Phrase;

/// Under these names `boot.js` reads them too, before the first paint.
const LANG_KEY: &str = "adtally.lang";
const THEME_KEY: &str = "adtally.theme";

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the device is set.
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// Every theme, in the order in which they are offered.
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// The value of the `data-theme` attribute.
    pub fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The name on a page.
    pub fn phrase(self) -> Phrase {
        match self {
            Theme::System => Phrase::ThemeSystem,
            Theme::Light => Phrase::ThemeLight,
            Theme::Dark => Phrase::ThemeDark,
        }
    }

    /// The theme of that name.
    pub fn parse(name: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|theme| theme.name() == name)
    }
}

/// What this browser remembers, in the context of every page.
#[derive(Clone, Copy)]
pub struct Preferences {
    /// The language.
    pub lang: RwSignal<Lang>,
    /// The appearance.
    pub theme: RwSignal<Theme>,
}

impl Preferences {
    /// As stored, else as the browser is set; changes are stored and written to the page's root.
    pub fn new() -> Preferences {
        let stored_lang = stored(LANG_KEY).and_then(|tag| Lang::of_tag(&tag));
        let browser_lang = window().navigator().language().and_then(|tag| Lang::of_tag(&tag));
        let theme = stored(THEME_KEY).and_then(|name| Theme::parse(&name)).unwrap_or(Theme::System);
        let preferences = Preferences {
            lang: RwSignal::new(stored_lang.or(browser_lang).unwrap_or(Lang::En)),
            theme: RwSignal::new(theme),
        };
        Effect::new(move |_| set_root("lang", preferences.lang.get().tag()));
        Effect::new(move |_| set_root("data-theme", preferences.theme.get().name()));
        preferences
    }

    /// Another language, from now on.
    pub fn choose_lang(self, lang: Lang) {
        store(LANG_KEY, lang.tag());
        self.lang.set(lang);
    }

    /// Another appearance, from now on.
    pub fn choose_theme(self, theme: Theme) {
        store(THEME_KEY, theme.name());
        self.theme.set(theme);
    }
}

impl Default for Preferences {
    fn default() -> Self {
        Preferences::new()
    }
}

/// The language of the page around.
pub fn lang() -> Lang {
    expect_context::<Preferences>().lang.get()
}

/// The text of a phrase, in whatever the language becomes.
pub fn t(phrase: Phrase) -> impl Fn() -> &'static str + Copy + Send + Sync + 'static {
    let preferences: Preferences = expect_context();
    move || phrase.text(preferences.lang.get())
}

/// Where storage is forbidden, choices last as long as the page.
fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn stored(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

fn store(key: &str, value: &str) {
    if let Some(storage) = storage() {
        // A full storage is no reason to fail: the choice lasts as long as the page.
        let _ = storage.set_item(key, value);
    }
}

fn set_root(name: &str, value: &str) {
    if let Some(root) = document().document_element() {
        // These names are valid attribute names, the only way for this to fail.
        let _ = root.set_attribute(name, value);
    }
}

/// Gives the reader a file.
pub fn download(name: &str, media_type: &str, text: &str) {
    use wasm_bindgen::JsCast as _;
    let parts = js_sys::Array::of1(&text.into());
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(media_type);
    let blob = web_sys::Blob::new_with_str_sequence_and_options(&parts, &options);
    let Ok(address) = blob.and_then(|blob| web_sys::Url::create_object_url_with_blob(&blob)) else { return };
    if let Ok(link) = document().create_element("a") {
        let link: web_sys::HtmlAnchorElement = link.unchecked_into();
        link.set_href(&address);
        link.set_download(name);
        link.click();
    }
    // The browser has taken it over by the time that this task ends.
    gloo::timers::callback::Timeout::new(10_000, move || {
        let _ = web_sys::Url::revoke_object_url(&address);
    })
    .forget();
}

/// Puts a text into the clipboard, where the browser lets us.
pub async fn copy(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    wasm_bindgen_futures::JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

const VIEWS_KEY: &str = "adtally.views";

/// The views that this browser has saved: name and address.
pub fn saved_views() -> Vec<(String, String)> {
    let text = stored(VIEWS_KEY).unwrap_or_default();
    let named = text.lines().filter_map(|line| line.split_once('\t'));
    named.map(|(address, name)| (name.to_string(), address.to_string())).collect()
}

/// Saves them in place of those before.
pub fn save_views(views: &[(String, String)]) {
    let lines = views.iter().map(|(name, address)| format!("{address}\t{}", name.replace(['\t', '\n'], " ")));
    store(VIEWS_KEY, &lines.collect::<Vec<_>>().join("\n"));
}
