//! `POST /v1/tokens`.

use adtally_core::access::{Grant, Role};
use adtally_core::cell::Scope;

use super::{CatalogError, name, wrong};
use crate::api::NewToken;

/// The name and the grant that a body asks for.
pub fn check(body: NewToken) -> Result<(String, Grant), CatalogError> {
    let role = Role::parse(&body.role)
        .ok_or_else(|| wrong("role", format!("{:?} is not one of {}", body.role, names())))?;
    let scope = Scope::parse(&body.scope).ok_or_else(|| {
        wrong("scope", format!("{:?} is not platform, advertiser:<key> or service:<key>", body.scope))
    })?;
    Ok((name(body.name)?, Grant { role, scope }))
}

fn names() -> String {
    Role::ALL.map(Role::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants() {
        fn check_that(role: &str, scope: &str, expected: Result<&str, &str>) {
            let body = NewToken { name: "n".to_owned(), role: role.to_owned(), scope: scope.to_owned() };
            match (check(body), expected) {
                (Ok((_, grant)), Ok(expected)) => {
                    assert_eq!(format!("{} {}", grant.role.name(), grant.scope), expected);
                }
                (Err(error), Err(says)) => assert!(error.to_string().contains(says), "{error}"),
                (found, _) => panic!("{role} {scope}: {found:?}"),
            }
        }
        check_that("admin", "platform", Ok("admin platform"));
        check_that("write", "service:news", Ok("write service:news"));
        check_that("root", "platform", Err("root"));
        check_that("analyst", "planet:mars", Err("planet:mars"));
        check_that("analyst", "advertiser:", Err("advertiser:"));
        check_that("analyst", "", Err("scope"));
    }
}
