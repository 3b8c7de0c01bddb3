//! Kubernetes' v1 `Status`, the one body that the API server shows to the user whatever the HTTP
//! code (`client-go/rest/request.go`, `transformResponse`).

use serde_json::json;

/// A v1 `Status` of a failure with this HTTP code, as JSON.
pub fn body(code: u16, message: &str) -> Vec<u8> {
    let status = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason(code),
        "code": code,
    });
    status.to_string().into_bytes()
}

/// The machine-readable reason that Kubernetes gives with an HTTP code (`metav1.StatusReason`).
pub const fn reason(code: u16) -> &'static str {
    match code {
        400 => "BadRequest",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        413 => "RequestEntityTooLarge",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_status_is_what_kubernetes_writes() {
        assert_eq!(
            String::from_utf8(super::body(413, "too large")).unwrap(),
            r#"{"apiVersion":"v1","code":413,"kind":"Status","message":"too large","metadata":{},"reason":"RequestEntityTooLarge","status":"Failure"}"#,
        );
    }
}
