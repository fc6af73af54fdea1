//! Messages to bytes and back, and bytes that are no message.

#[path = "support/strategies.rs"]
mod strategies;

use cached_proto::codec::{CodecError, Message, REQUEST_CAP, RESPONSE_CAP};
use cached_proto::fault::{Fault, FaultCode};
use cached_proto::message::{Request, Response};
use cached_proto::verb::refresh::RefreshRequest;
use cached_proto::words::Table;
use proptest::prelude::*;

use self::strategies::{request, response};

proptest! {
    #[test]
    fn every_request_survives(request in request()) {
        prop_assert_eq!(Request::decode(&request.encode()?)?, request);
    }

    #[test]
    fn every_response_survives(response in response()) {
        prop_assert_eq!(Response::decode(&response.encode()?)?, response);
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = Request::decode(&bytes);
        let _ = Response::decode(&bytes);
    }

    /// Damaged messages get further into the decoder than random bytes do.
    #[test]
    fn a_damaged_message_is_a_message_or_an_error(
        response in response(),
        at in any::<prop::sample::Index>(),
        patch in any::<[u8; 8]>(),
    ) {
        let mut bytes = response.encode()?;
        let at = at.index(bytes.len());
        for (byte, new) in bytes.iter_mut().skip(at).zip(patch) {
            *byte = new;
        }
        let _ = Response::decode(&bytes);
    }

    #[test]
    fn a_message_cut_short_is_refused(response in response(), at in any::<prop::sample::Index>()) {
        let bytes = response.encode()?;
        let cut = &bytes[..at.index(bytes.len())];
        let refused = matches!(Response::decode(cut), Err(CodecError::Malformed { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn bytes_after_a_message_are_refused(request in request(), extra in 1_usize..9) {
        let mut bytes = request.encode()?;
        bytes.resize(bytes.len() + extra, 0);
        match Request::decode(&bytes) {
            Err(CodecError::Trailing { extra: found, .. }) => prop_assert_eq!(found, extra),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

/// A refresh of so many tables; its encoding has 23 bytes and 4 more for each.
fn refresh_of(tables: usize) -> Request {
    Request::Refresh(RefreshRequest {
        tables: vec![Table::OrganizationReports; tables],
        ..Default::default()
    })
}

/// A fault with so long a message; its encoding has 29 bytes and the message's.
fn fault_of(length: usize) -> Response {
    let message = "x".repeat(length);
    Response::Answer(Err(Fault { code: FaultCode::Internal, message, hint: String::new(), retryable: false }))
}

#[test]
fn a_request_may_fill_its_cap_and_not_pass_it() {
    let most = (REQUEST_CAP - 23) / 4;
    let largest = refresh_of(most);
    assert_eq!(Request::decode(&largest.encode().unwrap()).unwrap(), largest);
    let error = refresh_of(most + 1).encode().unwrap_err();
    assert!(matches!(error, CodecError::TooLong { cap: REQUEST_CAP, .. }), "{error}");
}

#[test]
fn a_response_may_fill_its_cap_and_not_pass_it() {
    let largest = fault_of(RESPONSE_CAP - 29);
    let bytes = largest.encode().unwrap();
    assert_eq!(bytes.len(), RESPONSE_CAP);
    assert!(Response::decode(&bytes).unwrap() == largest);
    let error = fault_of(RESPONSE_CAP - 28).encode().unwrap_err();
    assert!(matches!(error, CodecError::TooLong { cap: RESPONSE_CAP, .. }), "{error}");
}

/// A fault whose message claims `length` bytes and has two.
fn fault_that_claims(length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [0_u32, 1, 5] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(length.to_le_bytes());
    bytes.extend(b"hi");
    bytes
}

#[test]
fn a_text_that_claims_more_than_the_cap_is_refused_before_anything_is_allocated() {
    // Allocating what is claimed would abort the process, so this test ends if the limit is ever lost.
    for claimed in [RESPONSE_CAP as u64, 1 << 40, 1 << 62, u64::MAX] {
        let error = Response::decode(&fault_that_claims(claimed)).unwrap_err();
        assert!(matches!(error, CodecError::TooLong { cap: RESPONSE_CAP, .. }), "{claimed}: {error}");
    }
}

#[test]
fn a_text_that_claims_more_than_there_is_is_refused() {
    let error = Response::decode(&fault_that_claims(3)).unwrap_err();
    assert!(matches!(error, CodecError::Malformed { .. }), "{error}");
}

#[test]
fn a_list_that_claims_more_than_there_is_is_refused() {
    for claimed in [1, 1 << 20, 1 << 40, u64::MAX] {
        let mut bytes = 3_u32.to_le_bytes().to_vec();
        bytes.extend(claimed.to_le_bytes());
        let error = Request::decode(&bytes).unwrap_err();
        assert!(matches!(error, CodecError::Malformed { .. }), "{claimed}: {error}");
    }
}

#[test]
fn an_unknown_variant_is_an_error_and_not_another_request() {
    for position in [255_u32, 1 << 16, u32::MAX] {
        let error = Request::decode(&position.to_le_bytes()).unwrap_err();
        assert!(matches!(error, CodecError::Malformed { what: "request", .. }), "{error}");
    }
}
