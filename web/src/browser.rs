//! What this browser remembers: the language and the appearance. Never a token.

use leptos::prelude::*;

use crate::lang::Lang;
use crate::model::picture::Picture;
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

    /// Of a page of a module of its own: what is around has set the root, and says when the language changes.
    pub fn told(lang: Lang) -> Preferences {
        Preferences { lang: RwSignal::new(lang), theme: RwSignal::new(Theme::System) }
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

/// Goes to another address of this site; whoever follows the address hears of it as of back and forward.
pub fn go(href: &str) {
    let history = window().history();
    // Only a strange address or far too many steps are refused: then the page stays where it is.
    let gone =
        history.and_then(|history| history.push_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(href)));
    if gone.is_ok() {
        announce("popstate");
    }
}

/// The session has ended, as a page of a module of its own was told.
pub const SESSION_ENDED: &str = "adtally-session-ended";
/// The catalog was changed.
pub const CATALOG_CHANGED: &str = "adtally-catalog-changed";

/// Tells the other module of the page something.
pub fn announce(what: &str) {
    if let Ok(event) = web_sys::Event::new(what) {
        // Nobody listens who could refuse it.
        let _ = window().dispatch_event(&event);
    }
}

/// Hears what is announced for as long as the component that calls this is there.
pub fn hear(what: &'static str, heard: impl FnMut() + 'static) {
    let mut heard = heard;
    let listener = gloo::events::EventListener::new(&window(), what, move |_| heard());
    let listener = StoredValue::new_local(Some(listener));
    on_cleanup(move || drop(listener.try_update_value(Option::take)));
}

/// Gives the focus to the first element that a selector finds.
pub fn focus_on(selector: &str) {
    use wasm_bindgen::JsCast as _;
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        // Focus can only fail on an element that is not in the page.
        let _ = element.focus();
    }
}

/// Gives the reader a file.
pub fn download(name: &str, media_type: &str, text: &str) {
    let parts = js_sys::Array::of1(&text.into());
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(media_type);
    if let Ok(blob) = web_sys::Blob::new_with_str_sequence_and_options(&parts, &options) {
        give(name, &blob);
    }
}

fn give(name: &str, blob: &web_sys::Blob) {
    use wasm_bindgen::JsCast as _;
    let Ok(address) = web_sys::Url::create_object_url_with_blob(blob) else { return };
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

/// Counts on every so many milliseconds while the page is seen and its owner lives.
pub fn beat(every_ms: u32) -> RwSignal<u32> {
    let beat = RwSignal::new(0_u32);
    let interval = gloo::timers::callback::Interval::new(every_ms, move || {
        if !document().hidden() {
            beat.try_update(|count| *count = count.wrapping_add(1));
        }
    });
    let interval = StoredValue::new_local(Some(interval));
    on_cleanup(move || drop(interval.try_update_value(Option::take)));
    beat
}

/// Gives the reader a picture as PNG, twice as fine as the screen of old.
pub async fn save_png(name: &str, picture: &Picture) {
    // Without a canvas there is no picture; CSV is left.
    let _ = draw(name, picture).await;
}

async fn draw(name: &str, picture: &Picture) -> Result<(), wasm_bindgen::JsValue> {
    use wasm_bindgen::JsCast as _;
    const FINENESS: u32 = 2;
    let image = web_sys::HtmlImageElement::new()?;
    let text = String::from(js_sys::encode_uri_component(&picture.svg));
    image.set_src(&format!("data:image/svg+xml;charset=utf-8,{text}"));
    wasm_bindgen_futures::JsFuture::from(image.decode()).await?;
    let canvas: web_sys::HtmlCanvasElement = document().create_element("canvas")?.unchecked_into();
    let size = |pixels: usize| u32::try_from(pixels).unwrap_or_default().saturating_mul(FINENESS);
    let (width, height) = (size(picture.width), size(picture.height));
    canvas.set_width(width);
    canvas.set_height(height);
    let context = canvas.get_context("2d")?.ok_or(wasm_bindgen::JsValue::NULL)?;
    let context: web_sys::CanvasRenderingContext2d = context.unchecked_into();
    context.draw_image_with_html_image_element_and_dw_and_dh(
        &image,
        0.0,
        0.0,
        width.into(),
        height.into(),
    )?;
    let name = name.to_string();
    let done = wasm_bindgen::closure::Closure::once_into_js(move |blob: Option<web_sys::Blob>| {
        if let Some(blob) = blob {
            give(&name, &blob);
        }
    });
    canvas.to_blob(done.unchecked_ref())
}

/// The value of a custom property of the page, as it is written.
pub fn token(name: &str) -> String {
    let style =
        document().document_element().and_then(|root| window().get_computed_style(&root).ok().flatten());
    style.and_then(|style| style.get_property_value(name).ok()).unwrap_or_default()
}

/// Whether the page is dark now.
pub fn is_dark() -> bool {
    match token("color-scheme").trim() {
        "dark" => true,
        "light" => false,
        _ => window()
            .match_media("(prefers-color-scheme: dark)")
            .ok()
            .flatten()
            .is_some_and(|query| query.matches()),
    }
}
