// The page that is a phone: JsSIP registers, and says what becomes of it.
import JsSIP from 'jssip';

const { url, extension, password } = Object.fromEntries(new URLSearchParams(location.search));
const phone = new JsSIP.UA({
  sockets: [new JsSIP.WebSocketInterface(url)],
  uri: `sip:${extension}@lampfield.local`,
  password,
  register_expires: 120,
});
const say = (text) => console.log(`phone: ${text}`);
phone.on('connected', () => say('connected'));
phone.on('registered', ({ response }) => say(`registered ${response.status_code} ${phone.contact.toString()}`));
phone.on('registrationFailed', ({ cause }) => say(`refused ${cause}`));
phone.on('disconnected', () => say('disconnected'));
phone.on('newRTCSession', ({ session, originator }) => {
  say(`called ${originator} ${session.remote_identity.uri.user}`);
  // Without media it can only say that it is busy.
  if (originator === 'remote') session.terminate({ status_code: 486 });
});
phone.start();
