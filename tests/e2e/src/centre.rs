//! Pieces of centre files.

use std::net::IpAddr;

/// The password of every user here.
pub const PASSWORD: &str = "correct horse battery";
/// The password of every phone here.
pub const SIP_PASSWORD: &str = "phone-secret";

/// A trunk that is known by its address and takes the numbers of that pattern.
pub fn trunk(name: &str, address: IpAddr, numbers: &[&str]) -> String {
    let host = if address.is_ipv6() {
        format!("[{address}]")
    } else {
        address.to_string()
    };
    let bits = if address.is_ipv6() { 128 } else { 32 };
    format!(
        "[[trunks]]\nname = \"{name}\"\nkind = \"peer\"\naddress = \"sip:{host}:5060;transport=udp\"\n\
         allow = [\"{address}/{bits}\"]\ncodecs = [\"pcmu\"]\nnumbers = {numbers:?}\n"
    )
}

/// A queue; `fields` are lines of more fields.
pub fn queue(name: &str, number: &str, fields: &str) -> String {
    format!("[[queues]]\nname = \"{name}\"\nnumber = \"{number}\"\n{fields}\n")
}

/// An attendant with a phone that registers as that extension.
pub fn attendant(username: &str, extension: &str, queue: &str) -> String {
    format!(
        "{}sip_password = \"{SIP_PASSWORD}\"\n",
        pbx_attendant(username, extension, queue)
    )
}

/// An attendant whose extension is rung through the trunk that takes it.
pub fn pbx_attendant(username: &str, extension: &str, queue: &str) -> String {
    format!(
        "{}extension = \"{extension}\"\nqueues = [\"{queue}\"]\n",
        user(username, "attendant")
    )
}

/// Somebody who may see every call and end it.
pub fn supervisor(username: &str) -> String {
    user(username, "supervisor")
}

/// Somebody who may change the centre.
pub fn administrator(username: &str) -> String {
    user(username, "administrator")
}

fn user(username: &str, role: &str) -> String {
    format!(
        "[[users]]\nusername = \"{username}\"\nname = \"{username}\"\npassword = \"{PASSWORD}\"\nrole = \"{role}\"\n"
    )
}
