// An independent ESME for our simulated carrier: binds, submits one short message, one accented and one of two parts,
// and tells what comes back. One JSON line per event on stdout; argv: port, password.
'use strict';
const smpp = require('smpp');
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const session = smpp.connect({ host: '127.0.0.1', port: Number(process.argv[2]) });
const submit = (fields, name) => new Promise((done) => session.submit_sm(
  { destination_addr: '84900001234', source_addr: 'PCTT', source_addr_ton: 5, registered_delivery: 1, ...fields },
  (answer) => { say({ event: 'answer', name, status: answer.command_status, id: answer.message_id }); done(); }));

session.on('connect', () => session.bind_transceiver({ system_id: 'loa', password: process.argv[3] }, async (answer) => {
  say({ event: 'bound', status: answer.command_status, system_id: answer.system_id });
  if (answer.command_status !== 0) return process.exit(0);
  // It writes its "ASCII" as GSM 03.38, so the coding must say so (0, not 1).
  await submit({ short_message: 'Bao so 5 @ $ [khan]', data_coding: 0 }, 'short');
  await submit({ short_message: 'Bão số 5 vào đêm nay', data_coding: 8 }, 'accented');
  const udh = (seq) => Buffer.from([5, 0, 3, 0x2a, 2, seq]);
  await submit({ esm_class: 0x40, short_message: { udh: udh(2), message: ' phan hai' } }, 'two');
  await submit({ esm_class: 0x40, short_message: { udh: udh(1), message: 'phan mot,' } }, 'one');
  await submit({ destination_addr: '', short_message: 'x' }, 'nobody');
  session.enquire_link((alive) => say({ event: 'enquire', status: alive.command_status }));
}));
session.on('deliver_sm', (pdu) => {
  session.send(pdu.response());
  say({
    event: pdu.esm_class & 4 ? 'receipt' : 'mo', from: pdu.source_addr, text: pdu.short_message.message,
    id: pdu.receipted_message_id, state: pdu.message_state,
  });
});
session.on('enquire_link', (pdu) => session.send(pdu.response()));
session.on('error', (wrong) => { say({ event: 'error', says: String(wrong) }); process.exit(1); });
process.stdin.on('data', () => session.unbind((answer) => {
  say({ event: 'unbound', status: answer.command_status }); session.close(); process.exit(0);
}));
process.stdin.on('end', () => process.exit(0));
