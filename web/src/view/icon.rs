//! The icons, drawn on a grid of 16.

use leptos::prelude::*;

use crate::html::Html;

/// An icon; the text beside it, or the label of its button, says what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// The overview.
    Pulse,
    /// The report.
    Table,
    /// The pivot.
    Grid,
    /// Events.
    List,
    /// Restatements.
    Changes,
    /// Verify.
    Scales,
    /// Settings.
    Sliders,
    /// Jobs.
    Steps,
    /// Health.
    Heart,
    /// Statements.
    Prompt,
    /// Cubes.
    Cube,
    /// Run.
    Play,
    /// A period.
    Calendar,
    /// A scope.
    Layers,
    /// Something opens below.
    Chevron,
    /// Chosen.
    Check,
    /// Add.
    Plus,
    /// Remove, close.
    Cross,
    /// Into the clipboard.
    Copy,
    /// Download.
    Download,
    /// The address of something.
    Link,
    /// Ask again.
    Refresh,
    /// Sorted, smallest first.
    Up,
    /// Sorted, largest first.
    Down,
    /// Back.
    Left,
    /// On.
    Right,
    /// The menu of a phone.
    Menu,
    /// Leave.
    Exit,
    /// Something is wrong.
    Alert,
    /// Something may not be seen.
    Lock,
    /// There is nothing.
    Inbox,
}

impl Icon {
    /// Writes it where elements are text.
    pub fn write(self, html: &mut Html) {
        html.raw("<svg class=\"glyph\" viewBox=\"0 0 16 16\" width=\"16\" height=\"16\" aria-hidden=\"true\"><path d=\"");
        html.raw(self.path()).raw("\"/></svg>");
    }

    fn path(self) -> &'static str {
        match self {
            Icon::Pulse => "M1.5 8.5h3l2-5.5 3 10 2-4.5h3",
            Icon::Table => "M2 3.5h12v9H2zM2 6.5h12M6.5 6.5v6",
            Icon::Grid => "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
            Icon::List => "M2.5 4h.1M2.5 8h.1M2.5 12h.1M5.5 4h8M5.5 8h8M5.5 12h8",
            Icon::Changes => "M2.5 5.5h9M9 3l2.5 2.5L9 8M13.5 10.5h-9M7 8l-2.5 2.5L7 13",
            Icon::Scales => "M8 2.5v11M4.5 13.5h7M3 4.5h10M3 4.5 1.5 9h3zM13 4.5 11.5 9h3z",
            Icon::Sliders => "M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7M9 3v3M4 10v3",
            Icon::Steps => "M2 3.5h4v3H2zM10 9.5h4v3h-4zM6 5h3.5v6h.5",
            Icon::Heart => "M2 8.5h2.5l1.5-3 3 6 1.5-3H14",
            Icon::Prompt => "M2.5 4.5 6 8l-3.5 3.5M8 12h5.5",
            Icon::Cube => "M8 1.8 13.5 5v6L8 14.2 2.5 11V5zM2.5 5 8 8.2 13.5 5M8 8.2v6",
            Icon::Play => "M5 3.5 12 8l-7 4.5z",
            Icon::Calendar => "M2.5 4h11v9.5h-11zM2.5 7h11M5.5 2v3M10.5 2v3",
            Icon::Layers => "M8 2 14 5.2 8 8.4 2 5.2zM2 8l6 3.2L14 8M2 10.8 8 14l6-3.2",
            Icon::Chevron => "m4.5 6.5 3.5 3.5 3.5-3.5",
            Icon::Check => "m3.5 8.5 3 3 6-6.5",
            Icon::Plus => "M8 3.5v9M3.5 8h9",
            Icon::Cross => "m4.5 4.5 7 7M11.5 4.5l-7 7",
            Icon::Copy => "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
            Icon::Download => "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.5h10",
            Icon::Link => {
                "M6.5 9.5l3-3M7 4.5l1.2-1.2a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5l-1.2 1.2a3 3 0 0 1-4.5-4.5L4.5 7"
            }
            Icon::Refresh => "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
            Icon::Up => "M8 12.5v-9M4.5 7 8 3.5 11.5 7",
            Icon::Down => "M8 3.5v9M4.5 9 8 12.5 11.5 9",
            Icon::Left => "m10 4-4 4 4 4",
            Icon::Right => "m6 4 4 4-4 4",
            Icon::Menu => "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
            Icon::Exit => "M6.5 2.5h-4v11h4M6.5 8h7M10.5 5l3 3-3 3",
            Icon::Alert => "M8 2.2 14.3 13H1.7zM8 6.5v3M8 11.3v.2",
            Icon::Lock => "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
            Icon::Inbox => "M2 9.5 4 3h8l2 6.5v4H2zM2 9.5h3.5c0 3 5 3 5 0H14",
        }
    }
}

/// Draws an icon.
#[component]
pub fn Glyph(
    /// Which one.
    icon: Icon,
) -> impl IntoView {
    view! {
        <svg class="glyph" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <path d=icon.path()/>
        </svg>
    }
}

/// The mark of the product: a tally of five.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
            <path d="M5 5v14M9.7 5v14M14.3 5v14M19 5v14"/>
            <path class="stroke" d="M2.5 16.5 21.5 7.5"/>
        </svg>
    }
}
