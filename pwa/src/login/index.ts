import { homeOf, whoAmI } from '../wire/session'

/** The root page only sends on: to the page of the person's role, or to sign in. */
const asked = location.hash || ''
whoAmI()
  .then((me) => location.replace(me ? homeOf(me.roles) + asked : '/login'))
  // without a network the phone's page is the one that works
  .catch(() => location.replace('/field' + asked))
