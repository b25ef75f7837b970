//! Entity tags: an answer that the client has already is not sent again.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

/// A 200 with this body and headers, or a 304 with the same headers when `If-None-Match` names the tag.
///
/// `tag` is hex, so it always fits a header.
pub fn respond(
    request: &HeaderMap,
    tag: &str,
    content_type: &'static str,
    cache_control: &str,
    body: impl Into<Body>,
) -> Response {
    let tag = format!("W/\"{tag}\"");
    let known = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|known| known.trim() == "*" || weak(known.trim()) == weak(&tag));
    let mut response = Response::new(if known { Body::empty() } else { body.into() });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    if !known {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, cache_control)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// A tag without its mark of weakness: tags are weak here, since compression changes bytes but not content.
fn weak(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}
