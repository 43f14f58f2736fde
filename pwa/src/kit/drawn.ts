/** Resolves when what is on the page now was drawn and takes taps; a page in the background draws nothing. */
export const drawn = (): Promise<void> =>
  new Promise((done) => {
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))
    setTimeout(done, 300)
  })
