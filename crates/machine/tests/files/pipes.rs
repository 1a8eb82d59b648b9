//! Pipes: instances, both directions, what waits and what breaks.

use crate::support::{READ, SHARE_ALL, create, files, handle, request, units};
use vatlas_machine::NtStatus;
use vatlas_machine::files::status::{
    ACCESS_DENIED, BUFFER_OVERFLOW, ILLEGAL_FUNCTION, INSTANCE_NOT_AVAILABLE, INVALID_PARAMETER, OBJECT_NAME_INVALID,
    OBJECT_NAME_NOT_FOUND, PENDING, PIPE_BROKEN, PIPE_CLOSING, PIPE_CONNECTED, PIPE_DISCONNECTED, PIPE_EMPTY,
    PIPE_LISTENING, PIPE_NOT_AVAILABLE, SUCCESS,
};
use vatlas_machine::files::{CreateRequest, Created, FileHandle, Files, ObjectName, PipeRequest};

const NAME: &str = "\\??\\PIPE\\p";
const LISTEN: u32 = 0x11_0008;
const DISCONNECT: u32 = 0x11_0004;
const PEEK: u32 = 0x11_400c;
const WAIT: u32 = 0x11_0018;
/// `GENERIC_READ | GENERIC_WRITE`.
const BOTH: u32 = 0xc000_0000;

fn pipe(pipe_type: u32, most_instances: u32) -> PipeRequest {
    let create = CreateRequest { access: BOTH | 0x10_0000, attributes: 0, share: 3, disposition: 3, options: 0x20 };
    let (read_mode, completion_mode) = (pipe_type, 0);
    let (inbound_quota, outbound_quota, timeout) = (8, 8, Some(-1_000_000));
    PipeRequest {
        create,
        pipe_type,
        read_mode,
        completion_mode,
        most_instances,
        inbound_quota,
        outbound_quota,
        timeout,
    }
}

fn serve(files: &mut Files, name: &str, request: &PipeRequest) -> Result<Created, NtStatus> {
    files.create_pipe(ObjectName { root: None, name: &units(name) }, request)
}

fn client(files: &mut Files) -> Result<Created, NtStatus> {
    create(files, NAME, &request(BOTH, SHARE_ALL, 1, 0x40))
}

/// Server and client of a connected pipe.
fn connected(pipe_type: u32) -> (Files, FileHandle, FileHandle) {
    let mut files = files();
    let server = handle(serve(&mut files, NAME, &pipe(pipe_type, 1)).unwrap());
    let client = handle(client(&mut files).unwrap());
    files.take_ready();
    (files, server, client)
}

#[test]
fn bytes_go_both_ways() {
    let (mut files, server, client) = connected(0);
    assert_eq!(files.read(server, None, 10).unwrap().status, PENDING);
    assert_eq!(files.write(client, None, b"abc").unwrap().bytes, 3);
    assert_eq!(files.take_ready(), [server.file]);
    assert_eq!(files.read(server, None, 2).unwrap().bytes, b"ab");
    assert_eq!(files.read(server, None, 2).unwrap().bytes, b"c");
    assert_eq!(files.read(server, None, 2).unwrap().status, PENDING);
    files.take_ready();
    let written = files.write(server, None, b"0123456789").unwrap();
    assert_eq!((written.status, written.bytes), (PENDING, 8));
    assert_eq!(files.take_ready(), [client.file]);
    assert_eq!(files.read(client, None, 100).unwrap().bytes, b"01234567");
    assert_eq!(files.take_ready(), [server.file]);
    assert_eq!(files.write(server, None, b"89").unwrap().status, SUCCESS);
    assert_eq!(files.write(server, None, b"").unwrap().status, SUCCESS);
}

#[test]
fn messages_keep_their_ends() {
    let (mut files, server, client) = connected(1);
    files.write(client, None, b"one").unwrap();
    files.write(client, None, b"two").unwrap();
    assert_eq!(files.write(client, None, b"three").unwrap().status, PENDING);
    let part = files.read(server, None, 2).unwrap();
    assert_eq!((part.status, &part.bytes[..]), (BUFFER_OVERFLOW, &b"on"[..]));
    assert_eq!(files.read(server, None, 9).unwrap().bytes, b"e");
    assert_eq!(files.read(server, None, 9).unwrap().bytes, b"two");
    assert_eq!(files.write(client, None, b"longer than the quota").unwrap().bytes, 21);
    assert_eq!(files.read(server, None, 99).unwrap().bytes.len(), 21);
    assert_eq!(files.write(client, None, b"").unwrap().status, SUCCESS);
    let empty = files.read(server, None, 9).unwrap();
    assert_eq!((empty.status, empty.bytes.len()), (SUCCESS, 0));
    // The client reads bytes until it says otherwise.
    files.write(server, None, b"ab").unwrap();
    files.write(server, None, b"cd").unwrap();
    assert_eq!(files.read(client, None, 3).unwrap().bytes, b"abc");
    files.set_information(client, 23, &[1, 0, 0, 0, 1, 0, 0, 0], None).unwrap();
    assert_eq!(files.query_information(client, 23, 8).unwrap().bytes, [1, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(files.read(client, None, 9).unwrap().bytes, b"d");
    assert_eq!(files.read(client, None, 9).unwrap_err(), PIPE_EMPTY);
}

#[test]
fn an_end_that_closes() {
    let (mut files, server, client) = connected(0);
    files.write(client, None, b"last").unwrap();
    files.close(client.file);
    assert!(files.take_ready().contains(&server.file));
    assert_eq!(files.write(server, None, b"x").unwrap_err(), PIPE_CLOSING);
    assert_eq!(files.read(server, None, 9).unwrap().bytes, b"last");
    assert_eq!(files.read(server, None, 9).unwrap_err(), PIPE_BROKEN);
    assert_eq!(files.control(server, PEEK, &[], 16).unwrap_err(), PIPE_BROKEN);
    assert_eq!(files.control(server, LISTEN, &[], 0).unwrap_err(), PIPE_CLOSING);
    files.control(server, DISCONNECT, &[], 0).unwrap();
    assert_eq!(files.control(server, LISTEN, &[], 0).unwrap().status, PENDING);
    let client = handle(self::client(&mut files).unwrap());
    files.control(server, DISCONNECT, &[], 0).unwrap();
    assert_eq!(files.read(client, None, 1).unwrap_err(), PIPE_DISCONNECTED);
    files.close(client.file);
    files.close(server.file);
    assert_eq!(self::client(&mut files).unwrap_err(), OBJECT_NAME_NOT_FOUND);
}

#[test]
fn instances() {
    let mut files = files();
    let server = handle(serve(&mut files, NAME, &pipe(0, 2)).unwrap());
    assert_eq!(files.read(server, None, 1).unwrap_err(), PIPE_LISTENING);
    assert_eq!(files.control(server, LISTEN, &[], 0).unwrap().status, PENDING);
    let first = handle(client(&mut files).unwrap());
    assert_eq!(files.take_ready(), [server.file]);
    assert_eq!(files.control(server, LISTEN, &[], 0).unwrap_err(), PIPE_CONNECTED);
    assert_eq!(files.control(first, LISTEN, &[], 0).unwrap_err(), ILLEGAL_FUNCTION);
    assert_eq!(client(&mut files).unwrap_err(), PIPE_NOT_AVAILABLE);
    let device = handle(create(&mut files, "\\??\\PIPE\\", &request(READ, SHARE_ALL, 1, 0)).unwrap());
    let wait = [&[0; 8][..], &2_u32.to_le_bytes(), &[0, 0], b"P\0"].concat();
    assert_eq!(files.control(device, WAIT, &wait, 0).unwrap().status, PENDING);
    assert_eq!(files.wait_timeout(&wait), Some(-1_000_000));
    let second = serve(&mut files, NAME, &pipe(0, 2)).unwrap();
    assert_eq!(second.information, 1);
    assert_eq!(files.take_ready(), [device.file]);
    assert_eq!(files.control(device, WAIT, &wait, 0).unwrap().status, SUCCESS);
    assert_eq!(serve(&mut files, NAME, &pipe(0, 2)).unwrap_err(), INSTANCE_NOT_AVAILABLE);
    assert_eq!(files.control(device, WAIT, &[0; 14], 0).unwrap_err(), OBJECT_NAME_NOT_FOUND);
    assert_eq!(files.control(device, WAIT, &[9; 14], 0).unwrap_err(), INVALID_PARAMETER);
    let local = files.query_information(server, 24, 40).unwrap().bytes;
    let local: Vec<u32> = local.chunks(4).map(|field| u32::from_le_bytes(field.try_into().unwrap())).collect();
    assert_eq!(local, [0, 2, 2, 2, 8, 0, 8, 8, 3, 1]);
}

#[test]
fn parameters() {
    let check = |name: &str, request: PipeRequest, expected: Result<u32, NtStatus>| {
        let result = serve(&mut files(), name, &request).map(|made| made.information);
        assert_eq!(result, expected, "{name} {request:?}");
    };
    let base = pipe(0, 1);
    let with = |change: fn(&mut PipeRequest)| {
        let mut request = base;
        change(&mut request);
        request
    };
    check(NAME, base, Ok(2));
    check("\\??\\C:\\p", base, Err(OBJECT_NAME_INVALID));
    check("\\??\\PIPE\\", base, Err(OBJECT_NAME_INVALID));
    check(NAME, with(|pipe| pipe.create.disposition = 1), Err(OBJECT_NAME_NOT_FOUND));
    check(NAME, with(|pipe| pipe.create.disposition = 5), Err(INVALID_PARAMETER));
    check(NAME, with(|pipe| pipe.create.share = 0), Err(INVALID_PARAMETER));
    check(NAME, with(|pipe| pipe.create.share = 7), Err(INVALID_PARAMETER));
    check(NAME, with(|pipe| pipe.read_mode = 1), Err(INVALID_PARAMETER));
    check(NAME, with(|pipe| pipe.pipe_type = 2), Err(INVALID_PARAMETER));
    check(NAME, with(|pipe| pipe.completion_mode = 2), Err(INVALID_PARAMETER));
    check(NAME, with(|pipe| pipe.most_instances = 0), Err(INVALID_PARAMETER));
    check(NAME, with(|pipe| pipe.timeout = Some(1)), Err(INVALID_PARAMETER));
}

#[test]
fn one_way_pipes() {
    let check = |share: u32, access: u32, expected: Option<NtStatus>| {
        let mut files = files();
        let mut pipe = pipe(0, 1);
        pipe.create.share = share;
        serve(&mut files, NAME, &pipe).unwrap();
        let result = create(&mut files, NAME, &request(access, SHARE_ALL, 1, 0));
        assert_eq!(result.err(), expected, "{share} {access:x}");
    };
    check(1, 1, None);
    check(1, 2, Some(ACCESS_DENIED));
    check(2, 2, None);
    check(2, 1, Some(ACCESS_DENIED));
    check(3, 3, None);
}

#[test]
fn peeking_takes_nothing() {
    let (mut files, server, client) = connected(1);
    files.write(client, None, b"one").unwrap();
    files.write(client, None, b"two").unwrap();
    let head = [&3_u32.to_le_bytes()[..], &6_u32.to_le_bytes(), &2_u32.to_le_bytes(), &3_u32.to_le_bytes()].concat();
    let mut check = |length: u32, expected: &[u8]| {
        let answer = files.control(server, PEEK, &[], length).unwrap();
        assert_eq!((answer.status, answer.bytes), (BUFFER_OVERFLOW, [&head, expected].concat()), "{length}");
    };
    check(16, b"");
    check(18, b"on");
    check(99, b"one");
    assert_eq!(files.control(server, PEEK, &[], 15).unwrap_err(), INVALID_PARAMETER);
    files.read(server, None, 9).unwrap();
    assert_eq!(files.control(server, PEEK, &[], 99).unwrap().status, SUCCESS);
}
