//! The edge worker of Adtally.
