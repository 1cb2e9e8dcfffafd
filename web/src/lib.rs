//! The dashboard of Adtally.
