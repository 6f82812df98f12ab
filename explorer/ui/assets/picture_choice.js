// The picture of the gallery that the user has chosen, until the server's answer is on the page.
function pictureChoice() {
  window.explorerPictureChoice ??= {
    number: 0, // of the user's last choice; the server returns the number of the last one that it has answered
    pending: null, // index, address and name of the chosen picture
    show: () => {}, // of the preview

    // Returns the number that the server is told.
    choose(picture) {
      this.number += 1;
      this.pending = picture;
      this.show();
      return this.number;
    },
    answered(number) {
      if (number < this.number) return;
      this.pending = null;
      this.show();
    },
  };
  return window.explorerPictureChoice;
}
